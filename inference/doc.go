// Package inference evaluates packed networks under CKKS. A Client owns the secret key, a Server evaluation keys
// and the model; what crosses between them (Keys, Model, Batch) can be written and read, so that both can run
// in processes of their own. It is the only package that imports lattigo.
//
// # A row
//
// The unit of work is a row of tiles: the outputs that share a ciphertext. Its kept tiles are multiplied with
// their inputs and added up lazily; then, in this order,
//
//	relinearise (encrypted weights) · rescale · sum over the inputs of a tile · add the bias
//	mask · rescale · copy (before an outer layer) · square · relinearise · rescale (hidden layers)
//
// # Levels and scales
//
// The modulus chain has exactly one modulus per rescaling, so the output is at level 0. Weights and masks are
// encoded with the modulus of their level as scale: rescaling their product gives back the scale of the
// input, exactly. Only squares change the scale, and it is tracked. Scales and sizes follow from parameters and
// layout, so they are not sent.
//
// Parameters are derived (Derive) from what packing's simulation finds on representative samples: the last modulus
// holds the largest value that reaches level 0, garbage slots included, with a margin; the scale keeps the
// error of the outputs, propagated through the very weights, under the precision asked for. A value that
// exceeds the samples' by more than the margin wraps silently if it is large enough: nothing in CKKS tells.
//
// # Threat model
//
// The server is honest but curious. It sees the shapes of the network, the kept tiles and which Galois keys exist,
// not inputs or outputs; with encrypted weights, which use the data owner's key, not the weights either. With plain weights
// there is no circuit privacy: an output of an inner layer carries partial sums of weights and inputs in its
// unused slots. No noise is added before decryption: decrypted values must not go back to the server (IND-CPA-D).
package inference

// Version is raised whenever evaluation may give other values or counts.
const Version = 2
