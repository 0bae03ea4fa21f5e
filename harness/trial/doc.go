// Package trial does one point from start to end: data set, training, pruning, packing, encrypted evaluation,
// record. It is the only package that knows all the science.
//
// A point has two stages, which the runner starts as processes of their own. Prepare trains and prunes, and
// leaves the network in the cache; Measure takes it from there, so that the process whose memory and time
// are measured never trained.
//
// Measure takes one stage after another, each a function that gives a value: plain (the networks and their quality), choose (layout and
// parameters), predict, load (keys, model and input), time and prove. measurement.record alone puts what they gave into a record.
//
// # What is promised
//
// A point's parameters promise he.precision on samples that nobody has seen. What the promise rests on is seen by the plain network
// on all training and validation samples, when the point is prepared (values): how large every layer's values get, extrapolated from
// their tail to the number of test samples, and how small the outputs are that precision is relative to. The samples with the
// largest values and the smallest outputs, and some others, are simulated slot by slot, the largest also stretched to what may still
// come: where biases are larger than what most samples add to them, neither the values of late layers nor their errors show it
// otherwise. Test samples choose nothing; afterwards, records
// say how many of them lie beyond (range).
package trial
