package trial

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/stats"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// gcPercent is fixed, so that memory and time compare between points.
const gcPercent = 100

// Result is what measuring gives: a record without its place in the store, and the picture of its tiles.
type Result struct {
	Record record.Record `json:"record"`
	Tiles  TileMap       `json:"tiles"`
}

// Kinds of failure that are no point's fault: the run cannot go on.
const (
	KindCache = "cache"
	KindData  = "data"
)

// Failure is an error with the kind that its record shall carry.
type Failure struct {
	Kind string
	Err  error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Measure evaluates the prepared network of a point under encryption. A result that does not prove itself (its
// precision, or operations other than predicted) is returned with a *Failure.
func Measure(j Job, report func(Step)) (*Result, error) {
	debug.SetGCPercent(gcPercent)
	if ready, err := Prepared(j); err != nil {
		return nil, err
	} else if !ready {
		return nil, &Failure{KindCache, errors.New("trial: the prepared network is not in the cache: prepare the point again")}
	}
	p, err := newPreparer(j, report)
	if err != nil {
		return nil, err
	}
	t := &trial{spec: j.Spec, report: p.report}
	t.rec.Experiment, t.rec.Point, t.rec.Label = j.Experiment, j.Point, j.Label
	t.rec.Params, t.rec.Seeds = j.Params, map[string]uint64{"train": uint64(j.Spec.Train.Seed)}
	t.rec.StartedAt = time.Now().UTC()
	t.rec.Environment = CurrentEnvironment()
	if err := t.load(p); err != nil {
		return nil, err
	}
	err = t.run(p.samples)
	t.rec.EndedAt = time.Now().UTC()
	if err != nil {
		return &Result{Record: t.rec}, err
	}
	return &Result{Record: t.rec, Tiles: newTileMap(t.pruned.state, t.model, j.Spec.Tile)}, nil
}

// trial is one measurement on its way.
type trial struct {
	spec   config.Spec
	report func(Step)
	rec    record.Record

	pruned *prepared
	model  *packing.Model
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
	q, ref := t.pruned.quality, dense.quality
	t.rec.Quality = &record.Quality{
		Metric: q.Metric, Unpruned: ref.Test, Plain: q.Test,
		Degradation:           degradation(q.Metric, ref.Test, q.Test),
		ValidationDegradation: degradation(q.Metric, ref.Validation, q.Validation),
	}
	t.rec.Training = &record.Training{EpochsTotal: t.pruned.epochs, Seconds: t.pruned.seconds, Cached: true}
	folded, err := t.pruned.state.Net.Fold()
	if err != nil {
		return &Failure{"unsupported", err}
	}
	if t.model, err = packing.Pack(folded, t.spec.Tile, t.pruned.state.Orders); err != nil {
		return err
	}
	tiles := &record.Tiles{Total: t.model.Layout.Tiles()}
	for i := range t.model.Layers {
		ly := &t.model.Layers[i]
		kept := t.model.KeptTiles(i)
		tiles.Kept += kept
		tiles.Layers = append(tiles.Layers, record.Layer{Name: ly.Name, Total: ly.Tiles(), Kept: kept})
	}
	tiles.Density = float64(tiles.Kept) / float64(tiles.Total)
	t.rec.Tiles = tiles
	t.warnOfCollapse()
	return nil
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
	batch, err := s.test.first(t.spec.Tile.Batch)
	if err != nil {
		return err
	}
	calibration, err := s.validation.first(calibrationSamples)
	if err != nil {
		return err
	}
	params, err := t.parameters(calibration)
	if err != nil {
		return err
	}
	outputs, err := t.evaluate(params, rows(batch))
	if err != nil {
		return err
	}
	return t.compare(batch, outputs)
}

// calibrationSamples is how many validation samples show which values a modulus must hold.
const calibrationSamples = 64

// parameters derives or takes over the CKKS parameters and checks them against simulated values.
func (t *trial) parameters(calibration network.Data) (inference.Parameters, error) {
	t.report(Step{Name: "calibrate"})
	he := t.spec.HE
	logN := inference.LogN(t.spec.Tile)
	noise := inference.NoiseModel(logN, he.Weights == "encrypted")
	var profile packing.Profile
	for x := rows(calibration); len(x) > 0; {
		n := min(len(x), t.spec.Tile.Batch)
		_, p, err := t.model.Simulate(x[:n], noise)
		if err != nil {
			return inference.Parameters{}, err
		}
		profile = profile.Merge(p)
		x = x[n:]
	}
	lit := inference.Literal{LogN: logN, LogQ: he.LogQ, LogP: he.LogP, LogScale: he.LogScale}
	if he.LogQ == nil {
		var err error
		if lit, err = inference.Derive(t.model.Layout, profile, float64(he.Precision)); err != nil {
			return inference.Parameters{}, &Failure{"parameters", err}
		}
	}
	params, err := inference.NewParameters(lit, he.Insecure)
	if err == nil {
		err = params.CheckRange(t.model.Layout, profile)
	}
	if err != nil {
		return inference.Parameters{}, &Failure{"parameters", err}
	}
	t.rec.HE = &record.HE{
		LogN: lit.LogN, LogQ: lit.LogQ, LogP: lit.LogP, LogScale: lit.LogScale, LogQP: params.LogQP(),
		SecurityBits: inference.SecurityBits, Insecure: params.Insecure, Ring: "standard", Weights: he.Weights,
	}
	if params.Insecure {
		t.rec.HE.SecurityBits = 0
		t.warn("insecure parameters: below 128 bits")
	}
	t.rec.LevelsUsed = t.model.Levels
	return params, nil
}

// evaluate runs client and server on the samples and returns the decrypted outputs.
func (t *trial) evaluate(p inference.Parameters, x [][]float64) ([][]float64, error) {
	t.report(Step{Name: "encrypt"})
	encrypted := t.spec.HE.Weights == "encrypted"
	t.rec.Batch, t.rec.Threads, t.rec.Order = len(x), t.spec.Measure.Threads, "sequential"
	t.rec.Latency, t.rec.Memory = &record.Latency{}, &record.Memory{}

	start := time.Now()
	client, err := inference.NewClient(p, t.model.Layout)
	if err != nil {
		return nil, err
	}
	keys := client.Keys(encrypted)
	t.rec.Latency.Keygen = time.Since(start).Seconds()

	model, times, err := t.build(p, client, encrypted)
	if err != nil {
		return nil, err
	}
	t.rec.Latency.EncodeModel, t.rec.Latency.EncryptModel = times.Encode, times.Encrypt

	start = time.Now()
	input, err := client.Encrypt(x)
	if err != nil {
		return nil, err
	}
	t.rec.Latency.EncryptInput = time.Since(start).Seconds()
	t.rec.Memory.Model, t.rec.Memory.Keys, t.rec.Memory.Input = model.Bytes(), keys.Bytes(), input.Bytes()
	t.rec.BytesUp = input.Bytes()

	server, err := inference.NewServer(p, t.model.Layout, keys, model, t.spec.Measure.Threads)
	if err != nil {
		return nil, err
	}
	output, err := t.time(server, input)
	if err != nil {
		return nil, err
	}
	t.rec.BytesDown = output.Bytes()

	start = time.Now()
	y, err := client.Decrypt(output, len(x))
	t.rec.Latency.Decrypt = time.Since(start).Seconds()
	return y, err
}

func (t *trial) build(p inference.Parameters, c *inference.Client, encrypted bool) (*inference.Model, inference.ModelTimes, error) {
	if encrypted {
		return c.EncryptModel(t.model)
	}
	last := t.model.Layers[len(t.model.Layers)-1]
	if !last.Outer && last.InGroup > 1 {
		t.warn("plain weights, outputs not masked: unused slots tell the client partial sums of weights")
	}
	return inference.EncodeModel(p, t.model)
}

// time evaluates until the interval of the median is narrow enough, on as many threads as the config says and
// with the peak of memory taken over these evaluations alone.
func (t *trial) time(server *inference.Server, input *inference.Batch) (*inference.Batch, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(t.spec.Measure.Threads))
	t.rec.Environment.GOMAXPROCS = t.spec.Measure.Threads
	debug.FreeOSMemory()
	if err := resetPeak(); err != nil {
		t.warn("peak_rss includes setting up: %v", err)
	}
	m := t.spec.Measure
	var output *inference.Batch
	var evaluations, rotations []float64
	perLayer := make([][]float64, len(t.model.Layers))
	for i := range m.Warmup + m.Repeats.Max {
		t.report(Step{Name: "evaluate", Done: float64(i) / float64(m.Warmup+m.Repeats.Min)})
		start := time.Now()
		out, trace, err := server.Evaluate(input)
		if err != nil {
			return nil, err
		}
		seconds := time.Since(start).Seconds()
		if err := t.checkCounts(trace); err != nil {
			return nil, err
		}
		output = out
		if i < m.Warmup {
			continue
		}
		evaluations = append(evaluations, seconds)
		for l, s := range trace.Seconds {
			perLayer[l] = append(perLayer[l], s)
		}
		r, err := server.TimeRotation(input)
		if err != nil {
			return nil, err
		}
		rotations = append(rotations, r)
		if s, err := stats.Median(evaluations); err == nil && len(evaluations) >= m.Repeats.Min && s.HalfWidth() <= m.Repeats.CI {
			break
		}
	}
	t.rec.Memory.PeakRSS = peakRSS()
	return output, t.summarise(evaluations, rotations, perLayer)
}

// busy is how many times its shortest time a rotation may take in the median on a machine that is left alone.
const busy = 1.3

func (t *trial) summarise(evaluations, rotations []float64, perLayer [][]float64) error {
	s, err := stats.Median(evaluations)
	if err != nil {
		return err
	}
	l := t.rec.Latency
	l.Evaluate, l.EvaluateMedian, l.EvaluateLow, l.EvaluateHigh = evaluations, s.Median, s.Low, s.High
	l.EvaluatePerImage = s.Median / float64(t.rec.Batch)
	if s, err = stats.Median(rotations); err != nil {
		return err
	}
	l.Rotation = s.Median
	if t.rec.Environment.Load1 > float64(t.rec.Environment.Cores) || s.Median > busy*s.Low {
		t.warn("busy machine: times are unreliable (environment.load1, latency_s.rotation)")
	}
	for i, seconds := range perLayer {
		if s, err = stats.Median(seconds); err != nil {
			return err
		}
		l.PerLayer = append(l.PerLayer, record.LayerTime{Name: t.model.Layers[i].Name, Seconds: s.Median})
	}
	return nil
}

// checkCounts compares the operations counted with those predicted from the kept tiles.
func (t *trial) checkCounts(trace *inference.Trace) error {
	predicted := t.model.Counts(t.model.Kept, t.spec.HE.Weights == "encrypted")
	for i, counted := range trace.Counts {
		if counted != predicted[i] {
			return &Failure{"operations", fmt.Errorf("trial: layer %s did %+v: predicted %+v", t.model.Layers[i].Name, counted, predicted[i])}
		}
	}
	total := packing.Total(trace.Counts)
	t.rec.Operations = &record.Operations{
		CtPtMul: total.CtPtMul, CtCtMul: total.CtCtMul, Rotate: total.Rotate, Relinearize: total.Relinearize,
		Rescale: total.Rescale, Add: total.Add, Items: total.Items(),
	}
	return nil
}
