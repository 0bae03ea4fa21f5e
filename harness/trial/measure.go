package trial

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"hepex/harness/config"
	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// Result is what measuring gives: a record without its place in the store, and, if it was encrypted, the picture of its tiles and some
// samples.
type Result struct {
	Record   record.Record `json:"record"`
	Tiles    TileMap       `json:"tiles"`
	Examples Examples      `json:"examples"`
}

// Kinds of failure that are no point's fault: the run cannot go on.
const (
	KindCache = "cache"
	KindData  = "data"
)

// KindMemory is the kind of failure of a point that limits.memory does not hold.
const KindMemory = "memory"

// KindNaN is the kind of failure of a point that gave something infinite or not a number.
const KindNaN = "nan"

// Failure is an error with the kind that its record shall carry.
type Failure struct {
	Kind string
	Err  error
}

// Refuses tells whether the point cannot be measured as it is, however often it is tried.
func (f *Failure) Refuses() bool {
	return f.Kind == "parameters" || f.Kind == "unsupported" || f.Kind == KindMemory
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Measure evaluates the prepared network of a point under encryption, unless the point is about its quality alone. A result that does not prove itself (its
// precision, or operations other than predicted) is returned with a *Failure.
func Measure(j Job, report func(Step)) (*Result, error) { return MeasureByTurns(j, report, alone{}) }

// MeasureByTurns is Measure, but waits for its turn before each evaluation.
func MeasureByTurns(j Job, report func(Step), turns Turns) (*Result, error) {
	clock := newClock(turns, j.Timeout)
	debug.SetGCPercent(machine.GCPercent)
	if ready, err := Prepared(j); err != nil {
		return nil, err
	} else if !ready {
		return nil, &Failure{KindCache, errors.New("trial: the prepared network is not in the cache: prepare the point again")}
	}
	p, err := newPreparer(j, report)
	if err != nil {
		return nil, err
	}
	t := &trial{spec: j.Spec, report: p.report, cacheDir: j.CacheDir, limit: j.Memory, turns: clock}
	t.rec.Experiment, t.rec.Point, t.rec.Label = j.Experiment, j.Point, j.Label
	t.rec.Params, t.rec.Seeds = j.Params, map[string]uint64{"train": uint64(j.Spec.Train.Seed)}
	t.rec.Limits, t.rec.Measure = j.Limits(), j.Measuring()
	t.rec.StartedAt = time.Now().UTC()
	t.rec.Environment = machine.Environment()
	if t.rec.Data, err = aboutData(j.Spec.Data); err != nil {
		return nil, err
	}
	if err := t.load(p); err != nil {
		return nil, err
	}
	if j.Spec.Measure.Encrypted {
		if t.values, err = p.values(t.pruned); err == nil {
			err = t.run(p.samples)
		}
	}
	t.rec.EndedAt = time.Now().UTC()
	if err != nil {
		return &Result{Record: t.rec}, err
	}
	result := &Result{Record: t.rec}
	if j.Spec.Measure.Encrypted { // comparisons of many points would fill the disk with weights
		before, err := p.beforeExpansion(pruningOptions(j.Spec))
		if err != nil {
			return nil, err
		}
		result.Tiles, result.Examples = newTileMap(t.pruned.state, before, t.tiles, j.Spec.Tile), t.examples
	}
	return result, nil
}

// trial is one measurement on its way.
type trial struct {
	spec   config.Spec
	report func(Step)
	rec    record.Record

	cacheDir string
	limit    int64 // of memory
	turns    *clock

	pruned   *prepared
	geometry network.Geometry // of the network as planned, before pruning folds anything away
	folded   *network.Folded
	values   *values
	tiles    *packing.Model // the pruned tiles, whatever the layout
	packed   *packed        // what is evaluated
	examples Examples       // of what came out
}

// load takes the networks from the cache and fills in what is known of them without encryption.
func (t *trial) load(p *preparer) error {
	dense, err := p.run(p.reference())
	if err != nil {
		return err
	}
	if t.pruned, err = p.run(pruningOptions(t.spec)); err != nil {
		return err
	}
	if t.geometry, err = t.spec.EvaluatedGeometry(p.source.Form()); err != nil {
		return err
	}
	q, ref := t.pruned.quality, dense.quality
	t.rec.Quality = &record.Quality{
		Metric: q.Metric, Unpruned: ref.Test, Plain: q.Test, Margin: q.Margin,
	}
	if !t.spec.Data.IsRandom() { // no answer would be wrong, and no error a share of another
		t.rec.Quality.Degradation = degradation(q.Metric, ref.Test, q.Test)
		t.rec.Quality.ValidationDegradation = degradation(q.Metric, ref.Validation, q.Validation)
	}
	if err := t.noteImport(p, dense.quality); err != nil {
		return err
	}
	t.rec.Training = &record.Training{EpochsTotal: t.pruned.state.Epochs, Seconds: t.pruned.seconds, Cached: true}
	t.warnOfChance("the network", q)
	t.warnOfStraight("", t.pruned)
	if t.spec.Prune.Scheme != "dense" {
		t.warnOfStraight("the unpruned network, ", dense)
	}
	if t.folded, err = t.pruned.state.Net.Fold(); err != nil {
		return &Failure{"unsupported", err}
	}
	if err := t.noteQuantised(p.samples, ref); err != nil {
		return err
	}
	if t.tiles, err = packing.TilesOf(t.spec.Tile).Pack(t.folded, t.pruned.state.Orders); err != nil {
		return err
	}
	tiles := &record.Tiles{Total: t.tiles.Layout.Tiles()}
	for i := range t.tiles.Layers {
		ly := &t.tiles.Layers[i]
		kept := t.tiles.KeptTiles(i)
		tiles.Kept += kept
		tiles.Layers = append(tiles.Layers, record.Layer{
			Name: ly.Name, Total: ly.Tiles(), Kept: kept, Products: t.tiles.Products(i), Rows: t.tiles.KeptRows(i),
		})
	}
	tiles.Density = float64(tiles.Kept) / float64(tiles.Total)
	t.rec.Tiles = tiles
	if t.rec.Shares, err = shares(t.spec, dense.state.Net.Geometry(), t.folded, t.pruned.state.Orders); err != nil {
		return err
	}
	t.warnOfCollapse()
	t.rec.Warnings = append(t.rec.Warnings, t.pruned.state.Notes...)
	return nil
}

// warnOfStraight notes quadratics that died out.
func (t *trial) warnOfStraight(which string, p *prepared) {
	g := p.state.Net.Geometry()
	for _, i := range p.straight {
		t.warn("%s%s: the learnt quadratic after it died out: nothing is squared there", which, packing.LayerName(&g[i], i+1))
	}
}

// collapsed is the share of its proportional number of tiles under which a layer counts as collapsed.
const collapsed = 0.2

// warnOfCollapse notes layers that pruning all but removed.
func (t *trial) warnOfCollapse() {
	for _, ly := range t.rec.Tiles.Layers {
		switch kept := float64(ly.Kept) / float64(ly.Total); {
		case ly.Kept == 0:
			t.warn("layer %s has no tile left: the network is constant", ly.Name)
		case kept < collapsed*t.rec.Tiles.Density:
			t.warn("layer %s collapsed: %d of %d tiles left", ly.Name, ly.Kept, ly.Total)
		}
	}
}

func (t *trial) warn(format string, args ...any) {
	t.rec.Warnings = append(t.rec.Warnings, fmt.Sprintf(format, args...))
}

// degradation is accuracy lost as a fraction, or the relative increase of the mean squared error.
func degradation(metric string, unpruned, pruned float64) float64 {
	if metric == "accuracy" {
		return unpruned - pruned
	}
	return pruned/unpruned - 1
}

// run encrypts, evaluates and compares.
func (t *trial) run(s samples) error {
	params, err := t.choose()
	if err != nil {
		return err
	}
	if err := t.predict(params); err != nil {
		return err
	}
	if err := t.turns.Admit(t.rec.Predicted.PeakBytes); err != nil {
		return err
	}
	batch, err := s.test.first(t.packed.model.Batch)
	if err != nil {
		return err
	}
	outputs, err := t.evaluate(params, rows(batch))
	if errors.Is(err, inference.ErrRange) {
		return &Failure{kindRange, fmt.Errorf("trial: an output is too large for q0: %s (%w)", t.moreRoom(), err)}
	}
	if err != nil {
		return err
	}
	test, err := s.test.all() // after what was measured, for its memory
	if err != nil {
		return err
	}
	return t.compare(batch, outputs, t.noteRange(params, test))
}

// choose packs the network for its evaluation and notes the parameters.
func (t *trial) choose() (inference.Parameters, error) {
	t.report(Step{Name: "calibrate"})
	chosen, err := pack(t.spec, t.folded, t.pruned.state.Orders, t.values)
	if err != nil {
		return inference.Parameters{}, err
	}
	t.packed = chosen
	lit := chosen.lit
	params, err := inference.NewParameters(lit, t.spec.HE.Insecure)
	if err != nil {
		return inference.Parameters{}, &Failure{"parameters", err}
	}
	t.rec.HE = &record.HE{
		LogN: lit.LogN, LogQ: lit.LogQ, LogP: lit.LogP, LogScale: lit.LogScale, LogQP: params.LogQP(),
		SecurityBits: inference.SecurityBits, Insecure: params.Insecure, Ring: string(params.Literal.Ring), Weights: t.spec.HE.Weights,
	}
	if params.Insecure {
		t.rec.HE.SecurityBits = 0
		t.warn("insecure parameters: below 128 bits")
	}
	t.rec.LevelsUsed = t.packed.model.Levels
	t.rec.Leakage = leakage(t.packed.model, t.spec.HE.Encrypted(), t.pruned.state.Orders != nil && t.packed.model.Kind == packing.Tiles)
	return params, nil
}

// evaluate runs client and server on the samples and returns the decrypted outputs.
func (t *trial) evaluate(p inference.Parameters, x [][]float64) ([][]float64, error) {
	client, server, input, err := t.serve(p, x)
	if err != nil {
		return nil, err
	}
	output, err := t.time(p, server, input)
	if err != nil {
		return nil, err
	}
	t.rec.BytesDown = output.Bytes()

	start := time.Now()
	y, err := client.Decrypt(output, len(x))
	t.rec.Latency.Decrypt = time.Since(start).Seconds()
	return y, err
}

// serve makes keys, the model and the input of an evaluation.
func (t *trial) serve(p inference.Parameters, x [][]float64) (*inference.Client, *inference.Server, *inference.Batch, error) {
	t.report(Step{Name: "encrypt"})
	encrypted := t.spec.HE.Encrypted()
	t.rec.Batch, t.rec.Threads, t.rec.Order = len(x), t.spec.Measure.Threads, "sequential"
	t.rec.Latency, t.rec.Memory = &record.Latency{}, &record.Memory{}

	start := time.Now()
	client, err := inference.NewClient(p, t.packed.model.Layout)
	if err != nil {
		return nil, nil, nil, err
	}
	keys, err := client.Keys(encrypted)
	if err != nil {
		return nil, nil, nil, err
	}
	t.rec.Latency.Keygen = time.Since(start).Seconds()

	model, times, err := t.build(p, client, encrypted)
	if err != nil {
		return nil, nil, nil, err
	}
	t.rec.Latency.EncodeModel, t.rec.Latency.EncryptModel = times.Encode, times.Encrypt

	start = time.Now()
	input, err := client.Encrypt(x)
	if err != nil {
		return nil, nil, nil, err
	}
	t.rec.Latency.EncryptInput = time.Since(start).Seconds()
	t.rec.Memory.Model, t.rec.Memory.Keys, t.rec.Memory.Input = model.Bytes(), keys.Bytes(), input.Bytes()
	t.rec.BytesUp = input.Bytes()
	server, err := inference.NewServer(p, t.packed.model.Layout, keys, model, t.spec.Measure.Threads)
	return client, server, input, err
}

func (t *trial) build(p inference.Parameters, c *inference.Client, encrypted bool) (*inference.Model, inference.ModelTimes, error) {
	if encrypted {
		return c.EncryptModel(t.packed.model)
	}
	if t.packed.model.LeaksSums() {
		t.warn("plain weights, outputs not masked: unused slots tell the client partial sums of weights")
	}
	return inference.EncodeModel(p, t.packed.model)
}

// noteQuantised measures what rounding weights to integers costs: the plain network of a scalar layout is the
// rounded one, on the samples that choices rest on too.
func (t *trial) noteQuantised(s samples, unpruned plainQuality) error {
	if t.spec.Layout != string(packing.Scalar) || t.spec.Data.IsRandom() {
		return nil
	}
	rounded := t.spec.Choice().Evaluated(t.folded)
	test, err := s.test.read()
	if err != nil {
		return err
	}
	validation, err := s.validation.read()
	if err != nil {
		return err
	}
	q := t.rec.Quality
	q.Plain = score(rounded, test)
	q.Degradation = degradation(q.Metric, unpruned.Test, q.Plain)
	q.ValidationDegradation = degradation(q.Metric, unpruned.Validation, score(rounded, validation))
	return nil
}

// score is the mean score of a plain network.
func score(f *network.Folded, d network.Data) float64 {
	y := f.Forward(dense(d))
	sum := 0.0
	for b := range d.Len() {
		sum += scoreSample(d, b, y.RawRowView(b))
	}
	return sum / float64(d.Len())
}
