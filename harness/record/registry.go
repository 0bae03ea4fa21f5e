package record

import (
	"fmt"
	"math"
)

// metrics is every metric, in the order in which tables and help texts list them.
var metrics = []Metric{
	{"tiles.density", "Density", Fraction, Lower, tiles(func(t *Tiles) float64 { return t.Density })},
	{"tiles.zero", "Zero tiles", Fraction, Higher, tiles(func(t *Tiles) float64 { return 1 - t.Density })},
	{"tiles.kept", "Tiles kept", Number, Lower, tiles(func(t *Tiles) float64 { return float64(t.Kept) })},
	{"tiles.products", "Products of tiles", Number, Lower, products},
	{"tiles.total", "Tiles, unpruned", Number, Neither, tiles(func(t *Tiles) float64 { return float64(t.Total) })},

	{"shares.evaluation", "Nominal time, of unpruned", Fraction, Lower, shares(func(s *Shares) float64 { return s.Evaluation })},
	{"shares.memory", "Nominal memory, of unpruned", Fraction, Lower, shares(func(s *Shares) float64 { return s.Memory })},
	{"shares.upload", "Upload, of unpruned", Fraction, Lower, shares(func(s *Shares) float64 { return s.Upload })},
	{"shares.tile_time", "Share of tiles in the unpruned time", Fraction, Neither, shares(func(s *Shares) float64 { return s.TileTime })},

	{"quality.plain", "Quality", Number, Neither, quality(func(q *Quality) float64 { return q.Plain })},
	{"quality.unpruned", "Quality, unpruned", Number, Neither, quality(func(q *Quality) float64 { return q.Unpruned })},
	{"quality.original", "Quality, as imported", Number, Neither, original},
	{"quality.encrypted", "Quality, encrypted", Number, Neither, judged(encrypted(func(q *Quality) float64 { return q.Encrypted }))},
	{"quality.degradation", "Degradation", Fraction, Lower, quality(func(q *Quality) float64 { return q.Degradation })},
	{"quality.validation_degradation", "Degradation, validation", Fraction, Lower,
		quality(func(q *Quality) float64 { return q.ValidationDegradation })},
	{"quality.precision_bits", "Precision", Bits, Higher, encrypted(func(q *Quality) float64 { return q.PrecisionBits })},
	{"quality.sample_precision_bits_min", "Precision, worst sample", Bits, Higher, samplePrecision(func(q *Quality) float64 { return q.SamplePrecisionMin })},
	{"quality.sample_precision_bits_p05", "Precision, 95 % of samples", Bits, Higher, samplePrecision(func(q *Quality) float64 { return q.SamplePrecisionP05 })},
	{"quality.agreement", "Agreement with plain", Fraction, Higher, encrypted(func(q *Quality) float64 { return q.Agreement })},
	{"quality.margin", "Margin", Number, Higher, margin},

	{"range.beyond", "Samples beyond the moduli", Fraction, Lower, ranges(func(r *Range) float64 { return r.Beyond })},
	{"range.headroom_bits", "Headroom", Bits, Neither, ranges(func(r *Range) float64 { return r.HeadroomBits })},

	{"latency.evaluate", "Evaluation time", Seconds, Lower, latency(func(l *Latency) float64 { return l.EvaluateMedian })},
	{"latency.per_image", "Time per image", Seconds, Lower, latency(func(l *Latency) float64 { return l.EvaluatePerImage })},
	{"latency.throughput", "Throughput (images per second)", Number, Higher, func(r *Record) (float64, bool) {
		if r.Latency == nil || r.Latency.EvaluatePerImage == 0 {
			return 0, false
		}
		return 1 / r.Latency.EvaluatePerImage, true
	}},
	{"latency.keygen", "Key generation time", Seconds, Lower, latency(func(l *Latency) float64 { return l.Keygen })},
	{"latency.encode_model", "Model encoding time", Seconds, Lower, latency(func(l *Latency) float64 { return l.EncodeModel })},
	{"latency.encrypt_model", "Model encryption time", Seconds, Lower, latency(func(l *Latency) float64 { return l.EncryptModel })},
	{"latency.encrypt_input", "Input encryption time", Seconds, Lower, latency(func(l *Latency) float64 { return l.EncryptInput })},
	{"latency.decrypt", "Decryption time", Seconds, Lower, latency(func(l *Latency) float64 { return l.Decrypt })},
	{"latency.reference", "R, the reference rotation", Seconds, Neither, reference(func(l *Latency) float64 { return l.Reference })},
	{"latency.evaluate_per_reference", "Evaluation time in R", Number, Lower,
		reference(func(l *Latency) float64 { return l.EvaluateMedian / l.Reference })},

	{"predicted.evaluate_error", "Error of the predicted time", Fraction, Lower,
		predictionError(func(r *Record) (predicted, measured float64) { return r.Predicted.Evaluate, r.Latency.EvaluateMedian })},
	{"predicted.peak_error", "Error of the predicted peak memory", Fraction, Lower,
		predictionError(func(r *Record) (predicted, measured float64) {
			return float64(r.Predicted.PeakBytes), float64(r.Memory.PeakRSS)
		})},

	{"memory.peak_rss", "Peak memory", Bytes, Lower, memory(func(m *Memory) int64 { return m.PeakRSS })},
	{"memory.model", "Model size", Bytes, Lower, memory(func(m *Memory) int64 { return m.Model })},
	{"memory.keys", "Key size", Bytes, Lower, memory(func(m *Memory) int64 { return m.Keys })},
	{"memory.input", "Input size", Bytes, Lower, memory(func(m *Memory) int64 { return m.Input })},

	{"predicted.evaluate_s", "Predicted evaluation time", Seconds, Lower, predicted(func(p *Predicted) float64 { return p.Evaluate })},
	{"predicted.prices_beside", "Cores kept busy by others as prices were measured", Fraction, Lower, func(r *Record) (float64, bool) {
		if r.Predicted == nil || r.Predicted.PricesBeside == nil {
			return 0, false
		}
		return *r.Predicted.PricesBeside, true
	}},
	{"predicted.peak_bytes", "Predicted peak memory", Bytes, Lower, predicted(func(p *Predicted) float64 { return float64(p.PeakBytes) })},

	{"bytes_up", "Encrypted inputs", Bytes, Lower, func(r *Record) (float64, bool) { return float64(r.BytesUp), r.BytesUp > 0 }},
	{"bytes_down", "Encrypted outputs", Bytes, Lower, func(r *Record) (float64, bool) { return float64(r.BytesDown), r.BytesDown > 0 }},

	{"operations.ct_pt_mul", "Ciphertext × plaintext", Number, Lower, operations(func(o *Operations) int { return o.CtPtMul })},
	{"operations.ct_ct_mul", "Ciphertext × ciphertext", Number, Lower, operations(func(o *Operations) int { return o.CtCtMul })},
	{"operations.rotate", "Rotations", Number, Lower, operations(func(o *Operations) int { return o.Rotate })},
	{"operations.relinearize", "Relinearisations", Number, Lower, operations(func(o *Operations) int { return o.Relinearize })},
	{"operations.rescale", "Rescalings", Number, Lower, operations(func(o *Operations) int { return o.Rescale })},
	{"operations.add", "Additions", Number, Lower, operations(func(o *Operations) int { return o.Add })},

	{"training.seconds", "Training time", Seconds, Lower, training(func(t *Training) float64 { return t.Seconds })},
	{"training.epochs_total", "Training epochs", Number, Neither, training(func(t *Training) float64 { return float64(t.EpochsTotal) })},

	{"saved.tiles", "Tiles saved", Fraction, Higher, nil},
	{"saved.products", "Products saved", Fraction, Higher, nil},
	{"saved.latency", "Time saved", Fraction, Higher, nil},
	{"saved.memory", "Memory saved", Fraction, Higher, nil},
	{"saved.latency_per_tiles", "Time saved / tiles saved", Fraction, Higher, nil},
	{"saved.memory_per_tiles", "Memory saved / tiles saved", Fraction, Higher, nil},

	{"lead.evaluation", "Time saved over a small network (by prices)", Fraction, Higher, nil},
	{"lead.memory", "Memory saved over a small network (predicted)", Fraction, Higher, nil},
	{"lead.upload", "Upload saved over a small network", Fraction, Higher, nil},
	{"lead.latency", "Time saved over a small network", Fraction, Higher, nil},
	{"lead.peak_rss", "Memory saved over a small network", Fraction, Higher, nil},
}

// qualityLabels marks the metrics that For renames: loss for a degradation, else a quality.
var qualityLabels = map[string]struct {
	loss   bool
	suffix string
}{
	"quality.plain":                  {},
	"quality.unpruned":               {suffix: ", unpruned"},
	"quality.original":               {suffix: ", as imported"},
	"quality.encrypted":              {suffix: ", encrypted"},
	"quality.degradation":            {loss: true},
	"quality.validation_degradation": {loss: true, suffix: ", validation"},
}

// section reads one number of a section of the record that may be absent.
func section[S any](of func(*Record) *S, read func(*S) float64) func(*Record) (float64, bool) {
	return func(r *Record) (float64, bool) {
		s := of(r)
		if s == nil {
			return 0, false
		}
		return read(s), true
	}
}

func tiles(read func(*Tiles) float64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Tiles { return r.Tiles }, read)
}

// products is those of all layers: a tile has one at each position of its layer.
func products(r *Record) (n float64, ok bool) {
	if r.Tiles == nil {
		return 0, false
	}
	for _, l := range r.Tiles.Layers {
		if l.Products == 0 && l.Kept > 0 { // an older record
			return 0, false
		}
		n += float64(l.Products)
	}
	return n, len(r.Tiles.Layers) > 0
}

func shares(read func(*Shares) float64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Shares { return r.Shares }, read)
}

func quality(read func(*Quality) float64) func(*Record) (float64, bool) {
	return judged(section(func(r *Record) *Quality { return r.Quality }, read))
}

// Random tells whether there are no data but random inputs, on which quality says nothing.
func (r *Record) Random() bool { return r.Data != nil && r.Data.Random }

// DataTitle is what people call the data.
func (r *Record) DataTitle() string {
	if r.Random() {
		return "random inputs"
	}
	for _, name := range []string{"data.name", "data.from"} {
		if text, ok := Text(r, name); ok {
			return text
		}
	}
	return "unknown"
}

// judged is absent where the network itself said what is right.
func judged(value func(*Record) (float64, bool)) func(*Record) (float64, bool) {
	return func(r *Record) (float64, bool) {
		if r.Random() {
			return 0, false
		}
		return value(r)
	}
}

// encrypted is absent without encryption, of which there are then no samples.
func encrypted(read func(*Quality) float64) func(*Record) (float64, bool) {
	return func(r *Record) (float64, bool) {
		if r.Quality == nil || r.Quality.Samples == 0 {
			return 0, false
		}
		return read(r.Quality), true
	}
}

// margin is absent in older records, and without classes.
func margin(r *Record) (float64, bool) {
	if r.Quality == nil || r.Quality.Margin == 0 {
		return 0, false
	}
	return r.Quality.Margin, true
}

// original is there for networks from files.
func original(r *Record) (float64, bool) {
	if r.Quality == nil || r.Quality.Original == nil {
		return 0, false
	}
	return *r.Quality.Original, true
}

// samplePrecision is absent in older records.
func samplePrecision(read func(*Quality) float64) func(*Record) (float64, bool) {
	return func(r *Record) (float64, bool) {
		if r.Quality == nil || r.Quality.SamplePrecisionP05 == 0 {
			return 0, false
		}
		return read(r.Quality), true
	}
}

func ranges(read func(*Range) float64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Range { return r.Range }, read)
}

func latency(read func(*Latency) float64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Latency { return r.Latency }, read)
}

// reference is absent in older records.
func reference(read func(*Latency) float64) func(*Record) (float64, bool) {
	return func(r *Record) (float64, bool) {
		if r.Latency == nil || r.Latency.Reference == 0 {
			return 0, false
		}
		return read(r.Latency), true
	}
}

// predictionError is how far a prediction is from what was measured, as a fraction of that.
func predictionError(read func(*Record) (predicted, measured float64)) func(*Record) (float64, bool) {
	return func(r *Record) (float64, bool) {
		if r.Predicted == nil || r.Latency == nil || r.Memory == nil {
			return 0, false
		}
		p, m := read(r)
		return math.Abs(p/m - 1), m > 0
	}
}

func predicted(read func(*Predicted) float64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Predicted { return r.Predicted }, read)
}

func memory(read func(*Memory) int64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Memory { return r.Memory }, func(m *Memory) float64 { return float64(read(m)) })
}

func operations(read func(*Operations) int) func(*Record) (float64, bool) {
	return section(func(r *Record) *Operations { return r.Operations }, func(o *Operations) float64 { return float64(read(o)) })
}

func training(read func(*Training) float64) func(*Record) (float64, bool) {
	return section(func(r *Record) *Training { return r.Training }, read)
}

// number is the value of a numeric parameter: float64 when it was read from JSON, any of these when
// the record is still in memory.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	}
	return 0, false
}

// text writes a parameter: numbers the same whether or not they went through JSON.
func text(v any) string {
	if v == nil {
		return ""
	}
	if n, ok := number(v); ok {
		return formatFloat(n)
	}
	return fmt.Sprint(v)
}
