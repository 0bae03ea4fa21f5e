package trial

import (
	"runtime/debug"
	"testing"
)

// peaks is turns that note the peak of memory as it was before each evaluation.
type peaks struct {
	waste int // bytes that setting up takes
	seen  []int64
}

var ballast []byte

func (p *peaks) Admit(int64) error {
	ballast = make([]byte, p.waste)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	p.seen = append(p.seen, PeakRSS())
	ballast = nil
	return nil
}

func (p *peaks) Next() error {
	p.seen = append(p.seen, PeakRSS())
	return nil
}

// The peak of memory is that of evaluations: neither what was before nor what times the units counts.
func TestPeakIsThatOfEvaluations(t *testing.T) {
	debug.FreeOSMemory() // so that what is drawn is seen
	j := testJob(t, t.TempDir(), "x", "x")
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	p := &peaks{waste: 256 << 20}
	result, err := MeasureByTurns(j, nil, p)
	if err != nil {
		t.Fatal(err)
	}
	m := result.Record.Memory
	if len(p.seen) != 3 { // admitted, two evaluations
		t.Fatalf("%d turns", len(p.seen))
	}
	if m.PeakRSS < m.Model+m.Keys+m.Input || m.PeakRSS > p.seen[0]-128<<20 {
		t.Errorf("peak of %d MiB: want at least the %d of model, keys and input, and not the %d of setting up", m.PeakRSS>>20, (m.Model+m.Keys+m.Input)>>20, p.seen[0]>>20)
	}
	const least = 2 << 20 // a key of the reference rotation
	if more := p.seen[2] - m.PeakRSS; more < least {
		t.Errorf("the timers' keys add %d bytes to the peak of the first evaluation: want %d or more, which the record leaves out", more, least)
	}
}
