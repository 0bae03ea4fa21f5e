package inference

import (
	"testing"

	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// The unit stays what it was: figures of years are given in it.
func TestReferenceTimer(t *testing.T) {
	timer, err := NewReferenceTimer()
	if err != nil {
		t.Fatal(err)
	}
	p := timer.eval.GetParameters()
	want, err := hefloat.NewParametersFromLiteral(hefloat.ParametersLiteral{LogN: 13, LogQ: []int{46, 40, 40, 40}, LogP: []int{46}, LogDefaultScale: 40})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Equal(&want) || !timer.hot || timer.in.Level() != 3 {
		t.Errorf("parameters %+v, hot %t, level %d", p.ParametersLiteral(), timer.hot, timer.in.Level())
	}
	for range 3 {
		if s := timer.Seconds(); s <= 0 {
			t.Errorf("%g s", s)
		}
	}
}
