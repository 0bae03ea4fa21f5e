// Package inference evaluates packed networks under CKKS. A Client owns the secret key, a Server evaluation keys
// and the model; what crosses between them (Keys, Model, Batch) can be written and read, so that both can run
// in processes of their own. It is the only package that imports lattigo.
//
// # A row
//
// The unit of work is a row: the outputs that share a ciphertext. Its kept tiles are multiplied with
// their inputs and added up lazily; then, in this order,
//
//	relinearise (encrypted weights) · rotate and add up (sums of giants) · rescale · sum over the inputs of a tile · add the bias
//	mask · rescale · copy (before an outer layer) · square · relinearise · rescale, unless delayed (hidden layers but linear ones)
//	sum over pooled slots
//
// For one image the sum may come before the rescaling (packing.Layer.SumFirst): dearer by a modulus, and more precise.
//
// Rows run in parallel; where a layer has fewer rows than there are threads, limbs do.
//
// # Memory
//
// A layer is computed in steps of a few rows, position by position where it has a grid. An input is free after the last step that reads
// it, so that of a convolution's inputs few lines are there; what the next layer pools is added up as it comes, squares at degree 2: sums are relinearised (and rescaled)
// once they are complete. The inputs of a batch are
// the caller's and stay. Ciphertexts of all levels are made of the same limbs: an evaluation allocates what packing.PeakLimbs
// foresees.
//
// # Levels and scales
//
// The modulus chain has one modulus per rescaling, so outputs are at level 0, where decoding is cheap. A weight is encoded
// with the scale that brings its product, rescaled, to exactly the scale that the parameters name:
//
//	scale of weights = scale after · modulus of the level / scale before
//
// With the rescaling of squares delayed, the scale before is that of a square: for the chain 2^28 → 2^28 → 2^38
//
//	level 3   x        2^28   · w 2^24, rescaled by 2^24   → 2^28
//	level 2   (…)²     2^56   · w 2^20, rescaled by 2^48   → 2^28
//	level 1   (…)²     2^56   · w 2^27, rescaled by 2^45   → 2^38
//	level 0   y        2^38
//
// Parameters are derived (Derive) from what packing's simulation finds on representative samples: for every source of error,
// how much of it reaches the outputs, and for every layer, how large values get, garbage slots included. A search
// then spends the bits that 128-bit security allows on scales, so that the error stays under the precision
// asked for and no modulus can wrap where something is rescaled: the product of the moduli at a level holds the scale times
// the largest coefficient there, which the mean of the slots bounds, with a margin. (In between, values may wrap: sums, products
// and key switches are exact modulo Q.) How much larger than the samples' values others may be is for the profile to say; a value
// beyond that wraps silently if it is large enough: nothing in CKKS tells. Parameters given by hand are held to the same rules
// (CheckRange, CheckPrecision). Errors are those of encoding, encryption, rounding and key switches, and of floats: from about 36 bits
// on, their 53 bits matter. On vector kernels moduli
// stay below 2^47, where those are fastest, if the precision allows it, and below 2^50 next; portable code takes the same for all sizes, so
// there they are large and few. Of chains that differ in the ring, the special moduli, the squares whose rescaling is delayed and the sums that come before theirs, the one of
// least nominal time on the kernels that will run is taken. So a point has other moduli on a machine without vector kernels; its record has
// them, and names the kernels. What must not differ, because it names the point, goes by the Reference kernels on every machine: the shape of
// a tile left to choice.
//
// # Key switches
//
// A rotation or relinearisation decomposes a polynomial into digits, takes their inner product with a key modulo Q·P,
// and divides by P. A sum of eight slots decomposes once, adds seven inner products modulo Q·P and divides once; so does a row whose
// inputs are rotated on the way, whatever the number of its products. What needs no key joins after the division. Relinearisation and
// rescaling divide by P·q in one pass. Keys have the level that they are used at.
//
// All of it goes limb by limb, the special ones first: the digits modulo a prime are transformed, meet their keys, and are divided while the
// cache has them, and the next key is fetched meanwhile.
//
// # Arithmetic
//
// Limbs are computed with by package kernels: on vectors of 52-bit numbers where processor and primes allow, else by lattigo's
// Go code, with the same results. Keys and tiles lie in memory in the order of their use, in as few bytes a number as
// their prime allows. The rows of a layer are summed a few at a time and block by block of coefficients, so that a block of the inputs stays in the
// cache for all of them.
//
// # Randomness
//
// Secrets and errors are drawn by lattigo's ternary and Gaussian samplers. Uniform polynomials, and the bits behind errors, are key
// streams of AES-256 in counter mode, under keys from the operating system. Numbers are kept if they are below the modulus, else drawn
// again, which has no bias.
//
// Errors have keys of their own, which never leave: to tell them from random bits is to break AES. The uniform polynomials of a fresh
// ciphertext, some tiles or an evaluation key are public, and so is the seed that is sent in their place, which halves what is sent: a key and,
// for each limb, a range of counters. There security rests on AES standing in for a random oracle, as it does in the 90s variant of Kyber,
// and a hash in the symmetric ciphertexts of SEAL.
//
// # Threat model
//
// The server is honest but curious. It sees the shapes of the network, the kept tiles and which Galois keys exist,
// not inputs or outputs; with encrypted weights, which use the data owner's key, not the weights either. With plain weights
// there is no circuit privacy: an output of an inner layer carries partial sums of weights and inputs in its
// unused slots (packing.Layout.LeaksSums; records warn). No noise is added before decryption: decrypted values must
// not go back to the server (IND-CPA-D).
package inference

// Version is raised whenever evaluation may give other values or counts.
const Version = 6
