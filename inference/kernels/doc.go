// Package kernels does arithmetic on polynomials modulo word-sized primes, as vectors of words. It knows limbs, nothing of
// ciphertexts. Three implementations give the same values, bit for bit: a portable one on lattigo's Go code, and, for primes q below
// 2^50, one on AVX-512 IFMA and one on the fused floats of AVX2. New chooses by processor, degree and size of the prime; HEPEX_KERNELS
// names one of them. The assembly and its generator (avo, in gen) are both here, so that a build needs neither.
//
// # Multiplying with 52 bits
//
// The processor multiplies 52-bit numbers, eight at once, and adds the lower or the upper 52 bits of the products to 64-bit
// accumulators: low(a·b) and high(a·b) below. For a known factor w < q there is Shoup's quotient w' = ⌊w·2^52/q⌋. For any
// y < 2^52, with p = high(w'·y),
//
//	t = w·y − p·q
//
// lies in [0, 2q): w'·y/2^52 is below w·y/q by less than 1 (as w' is rounded down and y < 2^52), and p by less than another 1. As
// t < 2^52, it is enough to know it modulo 2^52:
//
//	t = low(w·y) + low(p·(2^52 − q))  modulo 2^52.
//
// That is three multiplications, of which no one waits for a division. Without a factor, Barrett's reduction of a word x < 2^52 is the case
// w = 1, w' = ⌊2^52/q⌋: two multiplications, to [0, 2q).
//
// # Transforms
//
// A butterfly of the number-theoretic transform is (x, y) ← (x + w·y, x − w·y). How far its values grow decides what it costs, so
// there are two families.
//
// Family 47, for q < 2^47 (at degree 2^16, q < 2^52/34). The accumulator starts at −q, so s = t − q is in [−q, q), and the
// butterfly is (x + s, x − s): a stage moves a value by at most q either way (x − s is x − w·y modulo q, and x + s is x + w·y, as both differ
// from them by multiples of q). An offset of L·q, added to the upper half in the first stage, where L is the number of stages,
// keeps all values in [0, (2L + 2)·q) for inputs below 2q. That is below 2^52 for all q < 2^47 up to L = 15; New computes it.
// Nothing is reduced and nothing masked: the upper 12 bits of a word are garbage, which multiplications do not read, up to one
// Barrett reduction at the end.
//
// Family 50, for q < 2^50, has the same butterfly, after a Barrett reduction of x with a quotient one too small, to [q, 3q): both
// outputs are below 4q < 2^52.
//
// Backward, (x, y) ← (x + y, (x − y)·w). Sums double: [0, 4q) grows to [0, 32q) in three stages, or to 16q in two, and what
// was only added is then reduced by Barrett to below 2q; family 50 reduces every sum. A difference gets a multiple of q that y stays
// below. The last stage multiplies by 1/N on the way.
//
// The first passes take three or four stages at once over 8 or 16 vectors that lie a stride apart. They go depth first: a part
// that fits in the first-level cache goes through all that is left before the next one begins. The last six stages
// happen within blocks of 64 words: three across 8 vectors of 8, and three within pairs of vectors, which exchange words before each, so
// that the pair's two factors, or four, repeat and loads can repeat them. Factors lie in the order of their use.
//
// The conjugate-invariant ring has one more stage, which pairs j with N − j: a pass of its own, before the others with outputs below
// 3q, but for the first, which is as it was. Every output of the others is the first input and what stages add, so they stay below (2L + 2)·q
// as before. Backward it multiplies by 1/N.
//
// # Sums of products
//
// A sum Σ x·t is kept as two accumulators, lo + 2^52·hi. For T products of numbers below q,
//
//	lo < (T + 1)·2^52,  hi ≤ 2q + T·q²/2^52,
//
// where 2q is what an earlier reduction left. T is limited so that hi + q stays below 2^52: 4 products at 50 bits, hundreds at 47, and at
// most 4094 in any case, for lo. After so many, hi is reduced and takes the carry of lo. In the end, Montgomery's reduction
// divides by 2^52: with m = low(−lo/q), the sum of lo and low(m·q) is a multiple of 2^52, so
//
//	hi + high(m·q) + (lo + low(m·q))/2^52
//
// is the quotient, below hi + q + 4096, and Barrett's reduction ends it. The numbers of a stream carry a factor of 2^52 to make up for that.
//
// Integer multiples (Row) are exact as pairs of signed halves for up to 2047 terms of a sign, each of which adds less than 2^52 to lo;
// longer rows are summed by portable code. |w| < 2^31 and x < 2^50 give |hi| < 2^29 a term. A multiple of q near 2^51 makes hi positive.
//
// # Streams
//
// Products are bound by memory, so what they read once lies in the order of its use (Stream), in 4, 5, 6 or 8 bytes a number.
// A permutation of bytes spreads 8 packed numbers over a vector at no cost in time. Streams are fetched 4 KB ahead of use, and
// transforms, which leave the memory idle, can fetch the key that the products after them need (Ahead).
//
// # Base extension
//
// See Extender. y < q < 2^50 makes each of the two products y·a − p·q less than 1.25q, as p is short by less than y/2^52 + 1, so that with the
// constant they stay below 3.5q < 2^52. The number of times that Q must be taken off is found with floats.
//
// # Floats
//
// AVX2 multiplies no 52-bit words, but it multiplies and adds doubles with one rounding: for h = y·w rounded, l = fma(y, w, −h) is what the
// rounding lost, exactly. With c = round(y·(w/q)), for a factor w from −q/2 to q/2,
//
//	t = fma(−c, q, h) + l = y·w − c·q
//
// is exact, as it is a small integer. A sum with 3·2^51 rounds what lies between −2^51 and 2^51 to an integer; larger numbers to an even one, but those
// below to halves, which will not do. So factors are applied to |y| ≤ 2^52, and nothing goes beyond 2^53, where doubles hold all integers. The quotient w/q is
// wrong by less than 2^-55: |t| ≤ q/2 + |y|·q/2^55, at most ⅝q.
//
// A word below 2^52 becomes a double in two instructions: its bits, put under those of 2^52, are the double 2^52 + x. Back again, a double from −q to q is
// added to 2^52 or 2^52 + q, by its sign. It never is −0, which that would take for negative: no product of 0 comes without a sum.
//
// Forward, 16 stages take a number below 1.75q (what the stage of the conjugate-invariant ring leaves) to 11q, for q < 2^47. Above, passes reduce what
// they read, but for the words of the first: two or three stages take that from 1q to 2.7q. The last pass has two stages, from ½q to 1.6q, and the five after it
// multiply nothing above 3.9q, which is below 2^52. Backward, sums double: the last five stages leave up to 32q, but only in the first vector, which is then reduced, as the
// others' last product is at most two stages of sums ago: below 3q. A pass of three stages leaves 24q, again in its first number alone. From 2^47 on
// passes reduce all that they read, and the last five stages reduce after two: sums grow to 4q.
//
// Other functions multiply what is below 2^52: words, sums of two of them and their differences, or a reduced number. Their results, at most ⅝q, and another word or
// two, are reduced once more. A base extension adds two products and a number below q/2.
//
// A sum of products has an upper half that starts at 2^(52+s), so that it takes only multiples of 2^s: u' = fma(x, t, u) rounds the product, u' − u is what
// was added, and fma(x, t, −(u' − u)) is what that rounded off, at most 2^(s−1), for the lower half. That is four operations a product, two of
// which multiply, and both halves are exact for 4 terms at 50 bits and 60 at 47 (productTerms chooses s). Numbers of a stream are as they are. Integer
// multiples are such sums, with s = 41.
//
// On a Zen 3, transforms are 3.3 to 6.6 times as fast as lattigo's: about 2.4 instructions a cycle, 10 a butterfly of four. Butterflies
// interleaved by twos, and loops whose steps overlap, were no faster.
//
// # What was tried
//
// Fetching the outputs of the first pass ahead gained nothing: it is bound by what
// goes between the caches. Gathers were three times slower than moving aligned vectors. Transposes of 8×8 words around the last three stages
// took 48 shuffles a block where pairs take 32, and 6 to 10 % of a transform's time. Minima to keep words of family 50 below 4q need true values, hence
// masks, and run on one port of Intel's; they took a fifth more. Writing out several butterflies of a pass step by step changed nothing: the
// processor finds them itself.
package kernels
