// Package config reads experiment files: YAML in, checked specs and the list of points out.
//
// One file describes one experiment. Everything outside sweep is the base point; sweep says which points to
// make of it:
//
//	version: 1
//	name: mnist-mlp                  # names the folder of the results
//	data:    {name: mnist, train: 60000, test: 10000, validation: 0.1, noise: 0}
//	network: {type: mlp, hidden: [128, 128], activation: square, batch_norm: false}
//	train:   {epochs: 10, batch: 128, lr: 1e-3, seed: 1, weight_decay: 0.05}
//	prune:   {scheme: p4e, importance: l1, scope: local, target: weight, ratio: 0.8, permutation: kmeans,
//	          tiles: {score: avg, max_nonzero: 0.0625}, retrain: {epochs: 3, lr: 1e-3}}
//	tile:    16x16x32                # or {in: 16, out: 16, batch: 32}; auto, or {batch: 32}, to have it chosen
//	layout:  tiles                   # or one-image, or scalar (plain weights; tile then says how many slots)
//	he:      {weights: encrypted, precision: 16, ring: auto}   # or ring: standard, conjugate-invariant
//	measure: {warmup: 1, threads: 1, repeats: {min: 5, max: 20, ci: 0.05}, order: interleaved}
//	sweep:
//	  grid: {prune.scheme: [p2t, p3, p4e], prune.ratio: {from: 0.5, to: 0.95, step: 0.05}}
//	  zip:  [{tile: [16x16x32, 32x64x4], he.weights: [encrypted, plain]}]
//	  exclude: [{prune.scheme: p2t, prune.ratio: 0.5}]
//	  cases: [{label: dense, prune.scheme: dense, tile: [16x16x32, 32x64x4]}]
//	limits:  {timeout: 20m, memory: 16GiB, max_failures: 5}
//	figures: [{id: pareto, x: tiles.density, y: quality.degradation, series: prune.scheme, facet: tile}]
//	tables:  [{id: headline, rows: prune.scheme, cols: tile, cells: [tiles.density, latency.evaluate]}]
//	expect:                          # what a paper says; hepex verify compares
//	  - {id: C1, where: {prune.scheme: p4e, quality.validation_degradation: "<= 0.025"}, metric: saved.tiles, reduce: max,
//	     over: [train.seed], paper: [0.33, 0.65], tolerance: 0.05, note: from the abstract}
//	  - {id: C4, where: {prune.scheme: p4e, quality.validation_degradation: "<= 0.025"}, metric: tiles.kept, reduce: min,
//	     against: {prune.scheme: p3}, over: [train.seed], paper: 0.70}
//
// Required are version, name, data.name, network.type, network.hidden, prune.scheme, tile and, unless the
// scheme is dense, prune.ratio. Everything else has a default, most of them as above. CKKS parameters are
// derived; he.log_q, he.log_p and he.log_scale together override them, and he.insecure allows small rings.
//
// data.noise is the standard deviation of normal noise, which autoencoders are to remove: it is added to all inputs,
// clipped to [0,1], and the mean squared error is that against the clean images. Noise on training samples differs
// from seed to seed; that on validation and test samples does not, so that all seeds are measured on the same images.
//
// tile: {batch: N} stands for the shape at which the unpruned network takes least time for a batch of N, and tile: auto
// for the one of least time per image whose evaluation needs at most 4 GiB. Both go by counts of operations and nominal
// prices, so they give the same shape everywhere; plans and records name the shape.
//
// # Pruning while training
//
// The joint scheme prunes in prune.events steps during one uninterrupted retraining, the last after the share
// prune.until of it; 4 and 0.5 unless given, for autoencoders 16 and 0.75. Its importance is fisher unless given, and
// prune.ratio the share of tiles.
//
// # Sweep
//
// The keys of grid, zip, exclude and cases are dotted paths, and a value replaces whatever the base has at its
// path, be it one value or a whole section.
//
//   - grid is a cartesian product in the order written, the first key slowest. A key has a list or a range,
//     computed in exact decimals; a range includes its end if a step lands on it.
//   - Each element of zip is one more factor of the product: its lists are equally long and advance together.
//   - exclude drops the points of the product that have all values of an entry.
//   - cases are further points, the base with overrides. They are not crossed with the product nor excluded;
//     a case with lists is a small product of its own.
//
// Without a sweep there is one point, and the product without grid and zip is the base alone.
//
// # Points
//
// A [Point] has a [Spec], which says what to do, and Params, the same as a flat map of all parameters that
// decide the outcome. Keys that a scheme ignores are not in Params, and points with equal Params merge: a dense
// network is not measured once per ratio. The order of points is that of the file, always.
//
// # Expectations
//
// Each entry of expect is a number of a paper and how to compute ours.
//
//   - where says which points are allowed. A parameter has the given value, or a metric or numeric parameter compares
//     with a number: "<= 0.025", also <, >=, > and ==. Choose by validation (quality.validation_degradation); metric
//     then reports, on test data where it is a quality.
//   - reduce makes one number of the metric of the allowed points: max or min of the best, or the mean or median. It does so
//     in every group, the points that differ only in parameters under prune., and there for each value of
//     the parameters of over.
//   - against replaces some conditions of where, which gives the points of a rival. The number is then 1 − ours/theirs,
//     for each group and value of over; what against replaces may differ between the points of a group.
//   - paper is a number or a range [low, high], tolerance a fraction of it (0 unless given), note is shown beside it.
//
// All numbers together have a mean and a 95 % interval (Student's t). The paper is reproduced if the mean is in the range,
// or the number within tolerance of the mean or in the interval.
//
// # Errors
//
// A file is refused as a whole, with all its errors at once as [Errors], each with line and column: unknown and
// duplicate keys, wrong types, values out of range, contradictions, parameters below 128-bit security. A bad
// value in a sweep is reported where it stands, once. Names of metrics in figures, tables and expectations
// are not known here: see [Config.CheckNames].
package config
