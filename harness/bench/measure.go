package bench

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

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
	Density float64           `json:"density"` // of tiles
	Batch   int               `json:"batch"`
	Threads int               `json:"threads"`
	HE      inference.Literal `json:"he"`
	LogQP   float64           `json:"log_qp"`

	Seconds  float64   `json:"evaluate_s"` // median
	Samples  []float64 `json:"evaluate_samples_s"`
	Rotation float64   `json:"rotation_s"` // median of one top-level rotation, between the evaluations
	PerImage float64   `json:"per_image_s"`

	Predicted      float64 `json:"predicted_s"`     // counts × prices of our kernels
	Floor          float64 `json:"floor_s"`         // counts × prices of lattigo's calls
	Proportional   float64 `json:"proportional"`    // share of the time that kept tiles decide, by prices
	PeakRSS        int64   `json:"peak_rss_bytes"`  // of the server's evaluations
	PredictedBytes int64   `json:"predicted_bytes"` // resident before, plus model, keys, inputs and work
	ModelBytes     int64   `json:"model_bytes"`
	BytesUp        int64   `json:"bytes_up"`
	BytesDown      int64   `json:"bytes_down"`
	Precision      float64 `json:"precision_bits"`
	Agreement      float64 `json:"agreement"`
	Load           float64 `json:"load1"`

	Counts map[string]int `json:"operations"`
}

// Rotations is the time in top-level rotations.
func (r *Row) Rotations() float64 { return r.Seconds / r.Rotation }

// FloorRatio is the time over what lattigo's own calls would take.
func (r *Row) FloorRatio() float64 { return r.Seconds / r.Floor }

// job is what to measure.
type job struct {
	name      string
	model     *packing.Model
	plain     *network.Folded
	samples   [][]float64 // calibration, then the batch from its start
	encrypted bool
	precision float64
	ring      inference.Ring
	threads   int
	literal   *inference.Literal // instead of derived parameters
}

// calibration is how many samples show which values moduli must hold.
const calibration = 64

// repeats bounds the evaluations of a row, by number and time.
const (
	minRepeats = 5
	maxRepeats = 15
	budget     = 8 * time.Second
)

// measure evaluates a job in this process.
func measure(j job) (*Row, error) {
	defer debug.FreeOSMemory()
	if j.threads == 0 {
		j.threads = 1
	}
	p, err := j.parameters()
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", j.name, err)
	}
	counts := packing.Total(j.model.Counts(j.model.Kept, j.encrypted))
	r := j.row(p, counts)
	server, client, input, err := j.load(p, r)
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", j.name, err)
	}
	timer, err := inference.NewRotationTimer(p)
	if err != nil {
		return nil, err
	}
	output, err := j.time(r, server, input, timer)
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", j.name, err)
	}
	if err := j.compare(r, client, output); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", j.name, err)
	}
	// Priced right after, on the same machine in the same state, and not part of the peak.
	runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(runtime.NumCPU())
	prices, err := inference.MeasurePrices(p, counts)
	if err != nil {
		return nil, err
	}
	r.Predicted = counts.Cost(prices.Prices(false))
	r.Floor = counts.Cost(prices.Prices(true))
	r.Proportional = counts.Proportional().Cost(prices.Prices(false)) / r.Predicted
	return r, nil
}

func (j *job) parameters() (inference.Parameters, error) {
	if j.literal != nil {
		for _, delayed := range []bool{true, false} {
			if j.model.SetDelayed(delayed); j.model.Levels+1 == len(j.literal.LogQ) {
				break
			}
		}
		return inference.NewParameters(*j.literal, false)
	}
	var profile packing.Profile
	for x := j.samples[:min(calibration, len(j.samples))]; len(x) > 0; {
		n := min(len(x), j.model.Batch)
		_, p, err := j.model.Simulate(x[:n])
		if err != nil {
			return inference.Parameters{}, err
		}
		profile = profile.Merge(p)
		x = x[n:]
	}
	lit, err := inference.Derive(j.model.Layout, profile, inference.Wanted{Precision: j.precision, Encrypted: j.encrypted, Ring: j.ring})
	if err != nil {
		return inference.Parameters{}, err
	}
	return inference.NewParameters(lit, false)
}

func (j *job) row(p inference.Parameters, counts packing.Counts) *Row {
	m := j.model
	kept := 0
	for i := range m.Layers {
		kept += m.KeptTiles(i)
	}
	r := &Row{
		Network: j.name, Layout: m.Kind, Shape: m.Shape.String(), Weights: "plain", Density: float64(kept) / float64(m.Layout.Tiles()),
		Batch: m.Batch, Threads: j.threads, HE: p.Literal, LogQP: p.LogQP(), Counts: map[string]int{},
	}
	if j.encrypted {
		r.Weights = "encrypted"
	}
	for _, op := range packing.Ops() {
		if n := counts.Of(op); n > 0 {
			r.Counts[op.String()] = n
		}
	}
	return r
}

// load makes keys, model and inputs.
func (j *job) load(p inference.Parameters, r *Row) (*inference.Server, *inference.Client, *inference.Batch, error) {
	debug.FreeOSMemory()
	r.PredictedBytes = trial.RSS(os.Getpid()) + inference.PredictMemory(p.Literal, j.model.Layout, j.model.Kept, j.encrypted, j.threads).Total()
	client, err := inference.NewClient(p, j.model.Layout)
	if err != nil {
		return nil, nil, nil, err
	}
	var model *inference.Model
	if j.encrypted {
		model, _, err = client.EncryptModel(j.model)
	} else {
		model, _, err = inference.EncodeModel(p, j.model)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	input, err := client.Encrypt(j.batch())
	if err != nil {
		return nil, nil, nil, err
	}
	r.ModelBytes, r.BytesUp = model.Bytes(), input.Bytes()
	server, err := inference.NewServer(p, j.model.Layout, client.Keys(j.encrypted), model, j.threads)
	return server, client, input, err
}

func (j *job) batch() [][]float64 { return j.samples[:min(len(j.samples), j.model.Batch)] }

// time evaluates again and again, a rotation after each.
func (j *job) time(r *Row, server *inference.Server, input *inference.Batch, timer *inference.RotationTimer) (*inference.Batch, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(j.threads))
	debug.FreeOSMemory()
	if err := trial.ResetPeak(); err != nil {
		return nil, err
	}
	var output *inference.Batch
	var rotations []float64
	for start := time.Now(); len(r.Samples) < minRepeats || len(r.Samples) < maxRepeats && time.Since(start) < budget; {
		if output != nil {
			server.Recycle(output)
		}
		begin := time.Now()
		out, _, err := server.Evaluate(input)
		if err != nil {
			return nil, err
		}
		seconds := time.Since(begin).Seconds()
		if output == nil { // the first makes the pool
			output = out
			continue
		}
		output = out
		r.Samples = append(r.Samples, seconds)
		rotations = append(rotations, timer.Seconds(), timer.Seconds())
	}
	r.PeakRSS = trial.PeakRSS()
	r.Seconds, r.Rotation = median(r.Samples), median(rotations)
	r.PerImage = r.Seconds / float64(r.Batch)
	r.BytesDown = output.Bytes()
	r.Load = trial.CurrentEnvironment().Load1
	return output, nil
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
	want := forward(j.plain, x)
	worst, largest, agree := 0.0, 0.0, 0
	for b := range got {
		for o := range got[b] {
			worst = math.Max(worst, math.Abs(got[b][o]-want[b][o]))
			largest = math.Max(largest, math.Abs(want[b][o]))
		}
		if argMax(got[b]) == argMax(want[b]) {
			agree++
		}
	}
	r.Precision = -math.Log2(worst / largest)
	r.Agreement = float64(agree) / float64(len(got))
	return nil
}

func argMax(y []float64) int {
	best := 0
	for i, v := range y {
		if v > y[best] {
			best = i
		}
	}
	return best
}
