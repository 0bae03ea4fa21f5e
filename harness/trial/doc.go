// Package trial does one point from start to end: data set, training, pruning, packing, encrypted evaluation,
// record. It is the only package that knows all the science.
//
// A point has two stages, which the runner starts as processes of their own. Prepare trains and prunes, and
// leaves the network in the cache; Measure takes it from there, so that the process whose memory and time
// are measured never trained.
package trial
