package trial

import (
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"hepex/harness/machine"
	"hepex/harness/record"
	"hepex/harness/stats"
	"hepex/inference"
)

// timing is what evaluations took: seconds, but for the peak of memory and the output in bytes.
type timing struct {
	evaluations         []float64
	warmed              bool      // each followed an untimed one
	at                  []float64 // when each began, after the start of the record
	all                 stats.Summary
	layers              []record.LayerTime // medians
	rotation, reference float64            // what evaluations are compared with, medians

	operations     *record.Operations // of one evaluation
	peak, sentDown int64
	noise          *record.Noise
	output         *inference.Batch
	warnings
}

// time evaluates until it is enough, on as many threads as the config says. The peak of memory is that of the first
// evaluation, which makes all buffers; what times the units is drawn after it. The units, and points that take turns, leave caches in
// which short evaluations begin slowly: where there is a warmup, another untimed evaluation comes before each of them.
func (m *measurement) time(c *choice, s *session) (*timing, error) {
	measure, t := m.Spec.Measure, &timing{}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(measure.Threads))
	debug.FreeOSMemory()
	if err := machine.ResetPeak(); err != nil {
		t.warnings.add("peak_rss includes setting up: %v", err)
	}
	var u *units
	perLayer := make([][]float64, len(c.model.Layers))
	noise := machine.WatchNoise("/")
	var longest time.Duration // repeat, with all that belongs to it
	short := measure.Warmup > 0 && m.predicted.Evaluate < shortEvaluation
	for i := 0; ; i++ {
		stay, err := m.turns.Next()
		if err != nil {
			return t, err
		}
		m.report(Step{Name: "evaluate", Done: min(1, float64(i)/float64(measure.Warmup+measure.Repeats.Min))})
		began := time.Now()
		if short && i >= measure.Warmup {
			out, _, err := s.server.Evaluate(s.input)
			if err != nil {
				return t, err
			}
			s.server.Recycle(out)
			t.warmed = true
		}
		start := time.Now()
		out, trace, err := s.server.Evaluate(s.input)
		if err != nil {
			return t, err
		}
		seconds := time.Since(start).Seconds()
		if u == nil {
			t.peak = machine.PeakRSS()
			if u, err = newUnits(c.params); err != nil {
				return t, err
			}
		}
		if t.operations, err = counted(trace, c.model, m.Spec.HE.Encrypted()); err != nil {
			return t, err
		}
		if t.output != nil {
			s.server.Recycle(t.output)
		}
		t.output = out
		if i < measure.Warmup {
			continue
		}
		t.evaluations = append(t.evaluations, seconds)
		t.at = append(t.at, start.Sub(m.started).Seconds())
		for l, s := range trace.Seconds {
			perLayer[l] = append(perLayer[l], s)
		}
		u.sample()
		noise.Sample()
		longest = max(longest, time.Since(began))
		if t.enough(measure.Repeats, m.turns, longest, stay) {
			break
		}
	}
	t.noise, t.sentDown = noise.End(), t.output.Sent()
	if why := machine.Unreliable(m.environment, t.noise, u.rotations); why != nil {
		t.warnings.add(record.BusyWarning+"times are unreliable (%s)", strings.Join(why, ", "))
	}
	return t, t.summarise(c, u, perLayer)
}

// shortEvaluation is in seconds, predicted: caches that were lost cost an evaluation about two thousandths.
const shortEvaluation = 0.1

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

// summarise takes the medians.
func (t *timing) summarise(c *choice, u *units, perLayer [][]float64) error {
	var errs []error
	median := func(sample []float64) stats.Summary {
		s, err := stats.Median(sample)
		errs = append(errs, err)
		return s
	}
	t.all, t.rotation, t.reference = median(t.evaluations), median(u.rotations).Median, median(u.references).Median
	for i, seconds := range perLayer {
		t.layers = append(t.layers, record.LayerTime{Name: c.model.Layers[i].Name, Seconds: median(seconds).Median})
	}
	return errors.Join(errs...)
}
