package trial

import (
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/stats"
	"hepex/inference"
)

// evaluator is an inference.Server.
type evaluator interface {
	Evaluate(*inference.Batch) (*inference.Batch, *inference.Trace, error)
	Recycle(*inference.Batch)
}

// time evaluates until it is enough, on as many threads as the config says. The peak of memory is that of the first
// evaluation, which makes all buffers; what times the units is drawn after it.
func (t *trial) time(p inference.Parameters, server evaluator, input *inference.Batch) (*inference.Batch, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(t.spec.Measure.Threads))
	t.rec.Environment.GOMAXPROCS = t.spec.Measure.Threads
	debug.FreeOSMemory()
	if err := machine.ResetPeak(); err != nil {
		t.warn("peak_rss includes setting up: %v", err)
	}
	var u *units
	m := t.spec.Measure
	var output *inference.Batch
	var evaluations []float64
	perLayer := make([][]float64, len(t.packed.model.Layers))
	noise := machine.WatchNoise("/")
	var longest time.Duration // repeat, with all that belongs to it
	for i := range m.Warmup + m.Repeats.Max {
		if err := t.turns.Next(); err != nil {
			return nil, err
		}
		t.report(Step{Name: "evaluate", Done: float64(i) / float64(m.Warmup+m.Repeats.Min)})
		start := time.Now()
		out, trace, err := server.Evaluate(input)
		if err != nil {
			return nil, err
		}
		seconds := time.Since(start).Seconds()
		if u == nil {
			t.rec.Memory.PeakRSS = machine.PeakRSS()
			if u, err = newUnits(p); err != nil {
				return nil, err
			}
		}
		if err := t.checkCounts(trace); err != nil {
			return nil, err
		}
		if output != nil {
			server.Recycle(output)
		}
		output = out
		if i < m.Warmup {
			continue
		}
		evaluations = append(evaluations, seconds)
		t.rec.Latency.EvaluateAt = append(t.rec.Latency.EvaluateAt, start.Sub(t.rec.StartedAt).Seconds())
		for l, s := range trace.Seconds {
			perLayer[l] = append(perLayer[l], s)
		}
		u.sample()
		noise.Sample()
		longest = max(longest, time.Since(start))
		if t.enough(evaluations, longest) {
			break
		}
	}
	t.rec.Noise = noise.End()
	return output, t.summarise(evaluations, u, perLayer)
}

// units times what evaluations are compared with, beside them.
type units struct {
	own, reference        *inference.RotationTimer
	rotations, references []float64
}

func newUnits(p inference.Parameters) (*units, error) {
	own, err := inference.NewRotationTimer(p)
	if err != nil {
		return nil, err
	}
	reference, err := inference.NewReferenceTimer()
	return &units{own: own, reference: reference}, err
}

func (u *units) sample() {
	u.rotations = append(u.rotations, u.own.Seconds())
	u.references = append(u.references, u.reference.Seconds())
}

func (t *trial) summarise(evaluations []float64, u *units, perLayer [][]float64) error {
	s, err := stats.Median(evaluations)
	if err != nil {
		return err
	}
	l := t.rec.Latency
	l.Evaluate, l.EvaluateMedian, l.EvaluateLow, l.EvaluateHigh = evaluations, s.Median, s.Low, s.High
	l.EvaluatePerImage = s.Median / float64(t.rec.Batch)
	if s, err = stats.Median(u.rotations); err != nil {
		return err
	}
	l.Rotation = s.Median
	if s, err = stats.Median(u.references); err != nil {
		return err
	}
	l.Reference = s.Median
	if why := machine.Unreliable(t.rec.Environment, t.rec.Noise, u.rotations); why != nil {
		t.warn(record.BusyWarning+"times are unreliable (%s)", strings.Join(why, ", "))
	}
	for i, seconds := range perLayer {
		if s, err = stats.Median(seconds); err != nil {
			return err
		}
		l.PerLayer = append(l.PerLayer, record.LayerTime{Name: t.packed.model.Layers[i].Name, Seconds: s.Median})
	}
	return nil
}
