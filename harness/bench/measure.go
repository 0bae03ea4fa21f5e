package bench

import (
	"cmp"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"

	"hepex/harness/trial"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// Row is one network measured in one layout.
type Row struct {
	Network string            `json:"network"`
	Layout  packing.Kind      `json:"layout"`
	Shape   string            `json:"tile"`
	Weights string            `json:"weights"`
	Tiles   int               `json:"tiles"`   // kept
	Density float64           `json:"density"` // of tiles
	Batch   int               `json:"batch"`
	Threads int               `json:"threads"`
	HE      inference.Literal `json:"he"`
	LogQP   float64           `json:"log_qp"`

	Seconds   float64   `json:"evaluate_s"` // median
	Samples   []float64 `json:"evaluate_samples_s"`
	Reference float64   `json:"reference_s"` // R: median of lattigo's rotation at fixed parameters, between the evaluations
	PerImage  float64   `json:"per_image_s"`

	Keygen       float64 `json:"keygen_s"`
	EncodeModel  float64 `json:"encode_model_s"`
	EncryptModel float64 `json:"encrypt_model_s"`
	EncryptInput float64 `json:"encrypt_input_s"`

	Predicted      float64 `json:"predicted_s"`     // counts × prices of our kernels
	Floor          float64 `json:"floor_s"`         // counts × prices of lattigo's calls
	Proportional   float64 `json:"proportional"`    // share of the time that kept tiles decide, by prices
	PeakRSS        int64   `json:"peak_rss_bytes"`  // of the server's evaluations, before any price is measured
	PredictedBytes int64   `json:"predicted_bytes"` // resident before, plus model, keys, inputs and work
	ModelBytes     int64   `json:"model_bytes"`
	KeyBytes       int64   `json:"key_bytes"`
	BytesUp        int64   `json:"bytes_up"`
	BytesDown      int64   `json:"bytes_down"`
	Precision      float64 `json:"precision_bits"`
	Agreement      float64 `json:"agreement"`
	Load           float64 `json:"load1"`

	Primitives []Primitive `json:"primitives"`
}

// Primitive is one of the operations of a row, with what one of them takes.
type Primitive struct {
	Op    packing.Op `json:"op"`
	Level int        `json:"level"`
	Count int        `json:"count"`
	Ours  float64    `json:"seconds"`       // by this project's kernel
	Floor float64    `json:"floor_seconds"` // by lattigo's calls
}

// R is the time in reference rotations.
func (r *Row) R() float64 { return r.Seconds / r.Reference }

// where names the layout and, of tiles, the shape.
func (r *Row) where() string {
	if r.Layout == packing.Tiles {
		return "tile " + r.Shape
	}
	return string(r.Layout)
}

// FloorRatio is the time over what lattigo's own calls would take.
func (r *Row) FloorRatio() float64 { return r.Seconds / r.Floor }

// job is what to measure, as a child process reads it.
type job struct {
	Name   string
	Folded *network.Folded
	packing.Choice
	Samples   [][]float64 // calibration, then the batch from its start
	Precision float64
	Ring      inference.Ring
	Threads   int
	Literal   *inference.Literal // instead of derived parameters

	model *packing.Model
}

// pack lays the network out; a scalar layout evaluates the one of integer weights.
func (j *job) pack() (err error) {
	j.Folded = j.Evaluated(j.Folded)
	if j.model, err = j.Pack(j.Folded, nil); err == nil {
		j.model.Trim()
	}
	return err
}

// calibration is how many samples show which values moduli must hold.
const calibration = 64

// Evaluations come in rounds, with prices measured before each, so that both see the same machine. A round ends after
// its budget of time.
const (
	rounds    = 3
	minRepeat = 3
	maxRepeat = 8
	budget    = 2 * time.Second
)

// measure evaluates a job in this process.
func measure(j *job) (*Row, error) {
	if err := j.pack(); err != nil {
		return nil, err
	}
	p, err := j.parameters()
	if err != nil {
		return nil, err
	}
	work := inference.NewWork(p.Literal, j.model.Layout, j.model.Kept, j.Encrypted)
	counts := work.Counts
	r := j.row(p)
	server, client, input, err := j.load(p, r)
	if err != nil {
		return nil, err
	}
	output, prices, err := j.time(r, server, input, work)
	if err != nil {
		return nil, err
	}
	if err := j.compare(r, client, output); err != nil {
		return nil, err
	}
	r.Predicted = counts.Cost(prices.Prices(false))
	r.Floor = counts.Cost(prices.Prices(true))
	r.Proportional = counts.Proportional().Cost(prices.Prices(false)) / r.Predicted
	for at, n := range counts {
		r.Primitives = append(r.Primitives, Primitive{at.Op, at.Level, n, prices.Ours[at], prices.Floor[at]})
	}
	slices.SortFunc(r.Primitives, func(a, b Primitive) int { return cmp.Or(b.Level-a.Level, int(a.Op)-int(b.Op)) })
	return r, nil
}

func (j *job) parameters() (inference.Parameters, error) {
	if j.Literal != nil {
		for delayed := range j.model.Squares() + 1 {
			if j.model.DelayLast(delayed); j.model.Levels+1 == len(j.Literal.LogQ) {
				break
			}
		}
		return inference.NewParameters(*j.Literal, false)
	}
	var profile packing.Profile
	for x := j.Samples[:min(calibration, len(j.Samples))]; len(x) > 0; {
		n := min(len(x), j.model.Batch)
		_, p, err := j.model.Simulate(x[:n])
		if err != nil {
			return inference.Parameters{}, err
		}
		profile = profile.Merge(p)
		x = x[n:]
	}
	lit, err := inference.Derive(j.model.Layout, larger(profile), inference.Wanted{Precision: j.Precision, Encrypted: j.Encrypted, Ring: j.Ring})
	if err != nil {
		return inference.Parameters{}, err
	}
	return inference.NewParameters(lit, false)
}

// larger is the profile with values twice as large, as other samples may have.
func larger(p packing.Profile) packing.Profile {
	by := slices.Repeat([]float64{2}, len(p.Peaks))
	return p.Scale(by, by)
}

func (j *job) row(p inference.Parameters) *Row {
	m := j.model
	kept := 0
	for i := range m.Layers {
		kept += m.KeptTiles(i)
	}
	r := &Row{
		Network: j.Name, Layout: m.Kind, Shape: m.Shape.String(), Weights: "plain", Tiles: kept, Density: float64(kept) / float64(m.Layout.Tiles()),
		Batch: m.Batch, Threads: j.Threads, HE: p.Literal, LogQP: p.LogQP(),
	}
	if j.Encrypted {
		r.Weights = "encrypted"
	}
	return r
}

// load makes keys, model and inputs.
func (j *job) load(p inference.Parameters, r *Row) (*inference.Server, *inference.Client, *inference.Batch, error) {
	debug.FreeOSMemory()
	r.PredictedBytes = trial.RSS(os.Getpid()) + inference.PredictMemory(p.Literal, j.model.Layout, j.model.Kept, j.Encrypted, j.Threads).Total()
	start := time.Now()
	client, err := inference.NewClient(p, j.model.Layout)
	if err != nil {
		return nil, nil, nil, err
	}
	keys, err := client.Keys(j.Encrypted)
	if err != nil {
		return nil, nil, nil, err
	}
	r.Keygen = time.Since(start).Seconds()
	var model *inference.Model
	var times inference.ModelTimes
	if j.Encrypted {
		model, times, err = client.EncryptModel(j.model)
	} else {
		model, times, err = inference.EncodeModel(p, j.model)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	r.EncodeModel, r.EncryptModel = times.Encode, times.Encrypt
	start = time.Now()
	input, err := client.Encrypt(j.batch())
	if err != nil {
		return nil, nil, nil, err
	}
	r.EncryptInput = time.Since(start).Seconds()
	r.ModelBytes, r.KeyBytes, r.BytesUp = model.Bytes(), keys.Bytes(), input.Bytes()
	server, err := inference.NewServer(p, j.model.Layout, keys, model, j.Threads)
	return server, client, input, err
}

func (j *job) batch() [][]float64 { return j.Samples[:min(len(j.Samples), j.model.Batch)] }

// time evaluates again and again, with rotations after each. The peak of memory is that of the first evaluation, which makes all
// buffers: keys and buffers of what is timed beside come after it.
func (j *job) time(r *Row, server *inference.Server, input *inference.Batch, work inference.Work) (*inference.Batch, *inference.Priced, error) {
	p, err := inference.NewParameters(r.HE, false)
	if err != nil {
		return nil, nil, err
	}
	var output *inference.Batch
	evaluate := func() (float64, error) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(j.Threads))
		if output != nil {
			server.Recycle(output)
		}
		start := time.Now()
		out, _, err := server.Evaluate(input)
		output = out
		return time.Since(start).Seconds(), err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	debug.FreeOSMemory()
	if err := trial.ResetPeak(); err != nil {
		return nil, nil, err
	}
	if _, err := evaluate(); err != nil {
		return nil, nil, err
	}
	r.PeakRSS = trial.PeakRSS()
	timer, err := inference.NewReferenceTimer()
	if err != nil {
		return nil, nil, err
	}
	var references []float64
	var prices []*inference.Priced
	for range rounds {
		priced, err := inference.MeasurePrices(p, work)
		if err != nil {
			return nil, nil, err
		}
		prices = append(prices, priced)
		debug.FreeOSMemory()
		if _, err := evaluate(); err != nil { // warms the caches
			return nil, nil, err
		}
		start := time.Now()
		for n := 0; n < minRepeat || n < maxRepeat && time.Since(start) < budget; n++ {
			seconds, err := evaluate()
			if err != nil {
				return nil, nil, err
			}
			r.Samples = append(r.Samples, seconds)
			references = append(references, timer.Seconds(), timer.Seconds())
		}
	}
	r.Seconds, r.Reference = median(r.Samples), median(references)
	r.PerImage = r.Seconds / float64(r.Batch)
	r.BytesDown = output.Bytes()
	r.Load = trial.CurrentEnvironment().Load1
	return output, merge(prices), nil
}

// merge takes the median of each price.
func merge(all []*inference.Priced) *inference.Priced {
	out := &inference.Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}, Reference: all[0].Reference}
	for at := range all[0].Ours {
		var ours, floor []float64
		for _, p := range all {
			ours, floor = append(ours, p.Ours[at]), append(floor, p.Floor[at])
		}
		out.Ours[at], out.Floor[at] = median(ours), median(floor)
	}
	return out
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// compare sets decrypted outputs against the plain network.
func (j *job) compare(r *Row, client *inference.Client, output *inference.Batch) error {
	x := j.batch()
	got, err := client.Decrypt(output, len(x))
	if err != nil {
		return err
	}
	want := forward(j.Folded, x)
	worst, largest, agree := 0.0, 0.0, 0
	for b := range got {
		for o := range got[b] {
			worst = math.Max(worst, math.Abs(got[b][o]-want[b][o]))
			largest = math.Max(largest, math.Abs(want[b][o]))
		}
		if floats.MaxIdx(got[b]) == floats.MaxIdx(want[b]) {
			agree++
		}
	}
	r.Precision = -math.Log2(worst / largest)
	r.Agreement = float64(agree) / float64(len(got))
	return nil
}
