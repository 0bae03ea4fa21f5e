// Package config reads experiment files: YAML in, checked specs and the list of points out.
//
// One file describes one experiment, alone or together with files that it extends. Everything outside sweep is the base point; sweep says which points to
// make of it:
//
//	version: 1
//	name: mnist-mlp                  # names the folder of the results
//	data:    {name: mnist, train: 60000, test: 10000, validation: 0.1, noise: 0}
//	network: {type: mlp, hidden: [128, 128], activation: square, batch_norm: false}   # mlp | cnn | autoencoder
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
//	  when: [{if: {prune.scheme: p4e}, grid: {prune.tiles.max_nonzero: [0.0625, 0.125]}}]
//	  exclude: [{prune.scheme: p2t, prune.ratio: 0.5}]
//	  cases: [{label: dense, prune.scheme: dense, tile: [16x16x32, 32x64x4]}]
//	limits:  {timeout: 20m, memory: 16GiB, retries: 1, max_failures: 5}
//	figures: [{id: pareto, x: tiles.density, y: quality.degradation, series: prune.scheme, facet: tile,
//	           scale: {x: log}, range: {y: [0, 0.1]}}, {id: ablation, x: quality.plain, rows: label, facet: prune.ratio},
//	          {id: layers, x: latency.per_layer, rows: label}]        # bars of where the time goes
//	tables:  [{id: headline, rows: prune.scheme, cols: tile, cells: [tiles.density, latency.evaluate]}]
//	expect:                          # what a paper says, or what is to be reached; hepex verify compares
//	  - {id: C1, where: {prune.scheme: p4e, quality.validation_degradation: "<= 0.025"}, metric: saved.tiles, reduce: max,
//	     over: [train.seed], paper: [0.33, 0.65], tolerance: 0.05, read: "arXiv 2207.03384, abstract"}
//	  - {id: C4, where: {prune.scheme: p4e, quality.validation_degradation: "<= 0.025"}, metric: tiles.kept, reduce: min,
//	     against: {prune.scheme: p3}, over: [train.seed], paper: 0.70}
//	  - {id: fast, where: {prune.scheme: p4e}, metric: latency.evaluate, reduce: min, goal: 0.05}
//
// Required are version, name, data.name or data.from (but see A network without data), network.type, network.hidden, prune.scheme, tile and, unless the
// scheme is dense, prune.ratio. Everything else has a default, most of them as above. CKKS parameters are
// derived; he.log_q, he.log_p and he.log_scale together override them, and he.insecure allows small rings.
//
// he.headroom is by how many bits values of the network may exceed the largest that training and validation samples have, in any
// layer, before a modulus no longer holds them. Unless given, it is extrapolated for each layer from the tail of its own values, so
// that 0.01 of all test samples are to be expected beyond: little for shallow networks, and twice as much after every square. A
// bit of headroom takes a bit of the moduli, and with it of precision or of what fits a ring.
//
// data.noise is the standard deviation of normal noise, which autoencoders are to remove: it is added to all inputs,
// clipped to [0,1], and the mean squared error is that against the clean images. Noise on training samples differs
// from seed to seed; that on validation and test samples does not, so that all seeds are measured on the same images.
//
// train.augment: {shift: 4, flip: true} varies samples as they enter a batch, in training and retraining alike: each is
// shifted by up to 4 pixels up or down and left or right, with zeros coming in at the border, and flipped left to right or
// not. An autoencoder is to give the varied sample. Off by default; not with data.noise.
//
// tile: {batch: N} stands for the shape at which the unpruned network takes least time for a batch of N, and tile: auto
// for the one of least time per image whose evaluation needs at most 4 GiB. Both go by counts of operations and nominal
// prices, so they give the same shape everywhere; plans and records name the shape.
//
// # Data of one's own
//
//	data: {from: patients.csv, label: ill}
//	data: {from: houses.csv, target: [price], holdout: 0.1}
//	data: {from: scans.npz, arrays: {x_train: images, y_train: kinds}, channels: first, scale: standard}
//	data: {from: kmnist}
//
// data.from is a file or a folder, from the folder that hepex is started in: CSV, NumPy's arrays, IDX or CIFAR-10's binary files, as
// [datasets.Files] says. In CSV, label is the column of classes (0, 1, 2 … or names), target one or more columns of what a regression
// should give, and every other column an input. Arrays y of integers are classes, of floats what a regression should give. Arrays x with four axes
// need channels: first or last. Without either, only an autoencoder can be trained.
//
// Samples are put into a random order, always the same. Where the files have no test split, it is the share holdout of the samples (0.2). scale
// brings inputs to scale by the whole training split: standard (mean 0, variance 1) or unit (0 to 1) by column or channel, or none; auto is
// standard for tables, unit for grids, and 255 to 1 for bytes. What a regression should give is standardised unless scale is none, so that
// its mean squared error is a share of the variance. Records have all of this (data).
//
// The files are read when the config is, so that what is wrong with them is an error of the config. Their content is part of the
// point, their path a parameter. data.found, which the frozen config has, says what they held: results can then be shown without them,
// and a run on others is refused.
//
// # Extending files
//
// A config with extends: [base/mnist.yaml, base/mlp.yaml] starts from these files, which lie relative to its own folder and may
// extend others. They are merged in order, the config itself last:
//
//   - Sections (data, network, train, prune and those in it, he, measure, limits) merge key by key, and later files win.
//   - Values replace values, also lists and a tile that is a mapping. sweep, figures, tables and expect are replaced as a
//     whole: a config that has a sweep has nothing of that of a base.
//   - name is not inherited, as experiments would share a folder. version is.
//
// Bases may lack what only the config itself gives, but what they have is checked, also where it is overridden. Files may
// extend each other up to 16 deep. [Config.Frozen] is all of them as one file.
//
// # Limits
//
// timeout (20m) and memory (none) are those of each of a point's two processes, which train and measure. A point that exceeds
// them, crashes or gives no finite result is tried again up to retries times (0) within the same run, each time with a record;
// one that was refused is not. Where repeats.min evaluations fit into the timeout, measuring ends in time, with a warning if
// repeats.ci is not reached. After max_failures (5) points that failed for good, the run stops.
//
// # Retraining
//
// prune.retrain.epochs is one budget for all retrainings of a scheme, dense included. With prune.retrain.rate: restarts each
// has a learning rate that warms up and decays; with one, all are one training with one curve, and the prune steps happen in
// its course. prune.retrain.patience: 2 ends the last retraining after two epochs without gain on the validation samples and
// takes the best epoch (0, the default, is never). prune.distil: {alpha: 0.9, temperature: 4} gives the outputs of the
// network before the first prune step the weight 0.9 in the loss; autoencoders have no temperature.
//
// # What is pruned
//
// prune.target is what the first step of p3, p3e, p4 and p4e removes, and prune.ratio the share of these: weight; neuron, of hidden layers,
// with all weights into and out of it; tile; and of convolutional networks filter, the output channels of convolutions, ranked by the weights that
// compute them, or channel, the same ranked by the weights that read them.
//
// # Pruning in several steps
//
// The schemes joint and hunter prune in prune.events steps, between which density falls along prune.curve, cubic or linear.
// For joint the rate is one, the last step comes after the share prune.until of the retraining, the curve is cubic and
// importance fisher unless given; events are 4 and until is 0.5, for autoencoders 16 and 0.75. prune.lasso is the λ of a
// group lasso on tiles until the last step (0 is none). prune.budget: time makes prune.ratio the share of the time that tile
// products take, which depends on a layer's level, instead of the share of tiles. prune.search replaces its way of ordering
// neurons by that of another permutation, for ablations.
//
// # Pruning for time, memory or upload
//
// With prune.budget: evaluation, prune.ratio 0.8 leaves a fifth of the nominal time of the unpruned network's whole evaluation:
// of products, and of all that rows and inputs take besides. memory does so for the bytes that the server needs at its peak, with
// keys and buffers; upload for the bytes that it is sent for a batch, and of weights if they are encrypted. layout (tiles or
// scalar) and he.weights say what is priced, also with measure: {encrypted: false}. A budget that no network meets is refused.
// until is then 0.2, and the lasso shrinks only tiles that the last step drops (prune.lasso_on: dropped, all for
// autoencoders); prune.plan: present orders neurons for each step's own budget instead of the last one's, for ablations.
// Records say what share of each the network takes (shares).
//
// # Convolutional networks
//
// network: {type: cnn, layers: [conv 32 5, pool 2, conv 64 5 stride 1 padding 2, pool 2, dense 512]} has a convolution of 32 filters with
// kernels of 5×5 (7x1 is 7 high and 1 wide), an average pooling over windows of 2×2, and so on to 512 neurons; the outputs follow. Strides
// are 1 and paddings 0 unless given; a negative padding crops, and what it cuts off is neither encrypted nor sent. The activation comes
// after every conv and dense layer, before the pooling, and with batch_norm a batch norm by channel before it. layers: lola, lenet5, lenet
// and cifar are networks that others have evaluated under encryption. An autoencoder may have layers too, conv ones in its encoder.
// prune.layers is to prune.hidden as network.layers is to network.hidden.
//
// # A network from a file
//
// network: {from: model.onnx} takes a trained network from a file, relative to the folder that hepex is started in; hepex inspect shows
// whether it would run. The file says what the layers are: type, hidden, layers and batch_norm are left out, but for type: autoencoder, of
// a network that is to give its inputs. It is not trained before it is pruned unless train.epochs says so; all schemes retrain it on the
// data, dense as long as the others. Its quality before that is in records (quality.original). Its content is part of what names a point
// (network.sha256).
//
// network: {from: model.onnx, activation: replace} puts a learnt quadratic in the place of each activation that is no polynomial, such as
// ReLU, fitted to what training samples make of it, and trains for train.epochs. Records say what it cost.
//
// A file of weights, .safetensors or .npz, does not say what its network is: type and the other keys then do, as for one that is trained
// here, with activation square and without batch norm. Its tensors are named LAYER.weight and LAYER.bias, as PyTorch has them;
// network.tensors: [fc1, fc2, fc3] lists the layers in order where two of one size leave that open.
//
// # A network without data
//
// Without data.name and data.from, network: {from: model.onnx} is packed, timed and checked as it is, on random inputs: uniform in [0,1), of
// the form that the network reads, always the same. data.train (at most 1000, of which ranges of values are taken) and data.test (at most 10000)
// say how many. What the plain network answers stands for their classes, or for targets with one output or more than 256. Agreement, margin
// and precision under encryption then say something, for such inputs; its quality is not shown. Records say so in data.random and a
// warning. Nothing is trained: schemes other than dense and activation: replace are refused. Where inputs are not between 0 and 1,
// values of the network, and with them parameters and precision, may differ from those on data, which say more.
//
// # A smaller network
//
// prune: {scheme: small, hidden: [32, 16]} trains a network with fewer hidden neurons, from the start and for the epochs of
// train and retrain together, with the teacher that the others have. It is compared with the unpruned network like any pruned one.
// joint with prune.hidden prunes such a network.
//
// # Own schemes
//
// prune: {scheme: custom, steps: [prune weights 0.9, retrain 4, permute kmeans, drop 0.0625, expand, retrain 4]} lists the
// steps after training; go doc hepex/pruning Options.ParseStep has them all. The epochs of its retrainings must add up
// to prune.retrain.epochs.
//
// # Time
//
// measure.warmup evaluations are not timed, so that caches and buffers are as a busy server has them; unless it is 0, one more comes before each
// if they are predicted to take less than a tenth of a second, as their caches are lost to what else is timed and to other points.
//
// # Quality alone
//
// measure: {encrypted: false} leaves encryption out: records hold the plain network's quality, tiles and shares, for comparisons
// of many points. The tile need not fill a ring then: 8x8x1.
//
// # Sweep
//
// The keys of grid, zip, if, exclude and cases are dotted paths, and a value replaces whatever the base has at its
// path, be it one value or a whole section.
//
//   - grid is a cartesian product in the order written, the first key slowest. A key has a list or a range,
//     computed in exact decimals; a range includes its end if a step lands on it.
//   - Each element of zip is one more factor of the product: its lists are equally long and advance together.
//   - when multiplies some points of the product: those that have all values of if, by the grid and zip beside it. They come
//     in the place of the point. Entries apply in order and must not sweep what grid and zip sweep, nor what an entry before
//     swept for the same point; different points may have the same key from different entries.
//   - exclude drops the points of the product, also of when, that have all values of an entry.
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
// # Figures
//
// A figure has x and either y or rows, in one panel per value of facet. With y it is lines, one per value of series. With rows
// it is dots, for ablations: a row per value of rows, in the order of the points, with x of each seed, their mean and
// their range. Where rows are tile shapes, or else have dense points of their own, these are a dashed line in each row. Elsewhere
// the mean of the first row runs through all rows as a line, if its points in the panel differ only in their seeds, and dense points are a
// dashed line in every panel they fit, as they are with y where they lack the facet's parameter. A line joins points that differ, but for their seeds, in one number alone, which is x or moves it; numbers of
// one section that rise or fall together count as one. Other points of a series are markers, and the caption says what they differ in.
//
// Beside a picture lie its points with their ids (.csv) and what its caption must say (.txt). It is width cm wide (8.5, or 17.5
// with several panels), with texts of 7 to 9 points. title stands above it; where chooses points, as in an expectation; labels
// writes other words for values and for the names of metrics; lines: false leaves markers only; pareto: true draws the front of the points that no
// other beats in x and y. guide is proportional, the line on which all would go with the tiles (or x) of the panel's dense network,
// or equal, where y is x. bands are areas, say of a paper's numbers, with y, or share of what the dense network has:
//
//	figures:
//	  - {id: latency, x: tiles.density, y: latency.evaluate, series: prune.scheme, facet: "he.weights,tile", guide: proportional,
//	     bands: [{x: [0.35, 0.67], share: [0.65, 0.9], label: HE-PEx paper}]}
//	  - {id: front, x: latency.evaluate, y: quality.plain, series: prune.scheme, pareto: true, width: 8.5, title: "Fashion-MNIST, 16x16x32",
//	     where: {tile: 16x16x32, quality.degradation: "<= 0.1"}, labels: {joint: ours, latency.evaluate: Latency}}
//	  - {id: primitives, x: predicted.per_primitive, rows: label}
//
// scale is linear or log, and range the least and the greatest value in the unit of records (a share of 1, seconds, bytes),
// for x, y or both; else they are chosen from the values. Arrows at the border stand for points beyond a range, and a
// note counts those that a log axis has no place for.
//
// Of encrypted points the run also keeps the first samples (examples/POINT.json) and draws what dense and pruned networks make of
// them: pictures of autoencoders, classes and margins of classifiers.
//
// # Tables
//
// A table has a row for each value of rows, one parameter or several ("prune.scheme,prune.permutation"), and for each of cols, if there
// are any, the cells: the mean ± the standard deviation over seeds, or, where points differ in more, the least … the greatest of
// theirs, with a note of what they differ in. It is written as Markdown, LaTeX (booktabs, with title and notes as the caption) and CSV.
//
// # Expectations
//
// Each entry of expect is a number of a paper, or a goal, and how to compute ours.
//
//   - where says which points are allowed. A parameter has the given value, or a metric or numeric parameter compares
//     with a number: "<= 0.025", also <, >=, > and ==. Choose by validation (quality.validation_degradation); metric
//     then reports, on test data where it is a quality.
//   - reduce makes one number of the metric of the allowed points: max or min of the best, or the mean or median. It does so
//     in every group, the points that differ only in parameters under prune., or in those of among, and there for each value of
//     the parameters of over. among: [tile], say, finds the best tile shape instead of judging each. by: saved.tiles has max or min
//     choose the point that saves most or fewest tiles; the number is still the metric, of that point, or the mean if there are several.
//   - against replaces some conditions of where, which gives the points of a rival. The number is then 1 − ours/theirs,
//     for each group and value of over; what against replaces may differ between the points of a group.
//   - paper is a number or a range [low, high], tolerance a fraction of it (unless given, [DefaultTolerance] of a number and 0
//     of a range; about 0 only a range has room). goal stands in the place of paper for what nobody but this project claims: a range, or a number
//     that ours should reach, without tolerance. read says in which text a number is, measured which program we ran to get it; note
//     is shown beside it.
//
// The paper is reproduced if the mean of all numbers is in the range, or within tolerance of its ends or of the number. How
// much the numbers differ is shown and does not decide: few numbers far apart would reproduce anything. It is a 95 % interval
// (Student's t) over the values of over in each group, and the range of the means of groups, which are no repeats
// of one another: where an entry holds for some groups only, these are named. Where there are points with results, ours or the rival's, every
// group and value of over must have a number: a seed of which no point satisfies where is not left out of the mean, the entry is missed. A limit
// on the share of tiles has half a tile of room, for whole tiles rarely give a share exactly.
//
// # Errors
//
// A config is refused as a whole, with all its errors at once as [Errors], each with file, line and column: unknown and
// duplicate keys, wrong types, values out of range, contradictions, parameters below 128-bit security. A bad
// value in a sweep is reported where it stands, once. Names of metrics in figures, tables and expectations
// are not known here: see [Config.CheckNames].
package config
