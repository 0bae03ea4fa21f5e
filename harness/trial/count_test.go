package trial

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"hepex/inference"
	"hepex/packing"
)

// miscounts is a server that does one operation more than it should in its last layer.
type miscounts struct{ evaluator }

func (s miscounts) Evaluate(in *inference.Batch) (*inference.Batch, *inference.Trace, error) {
	out, trace, err := s.evaluator.Evaluate(in)
	if err == nil {
		last := len(trace.Counts) - 1
		trace.Counts[last] = maps.Clone(trace.Counts[last])
		trace.Counts[last].Add(packing.AddBias, 0, 1)
	}
	return out, trace, err
}

// Operations other than predicted make a point fail, whatever it computed.
func TestOtherOperationsFail(t *testing.T) {
	j := quick(t, t.TempDir())
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	p, err := newPreparer(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	known, err := p.plain()
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.values(known.pruned)
	if err != nil {
		t.Fatal(err)
	}
	c, err := choose(j.Spec, known, v)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := p.samples.test.first(c.model.Batch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(j.Spec, c, rows(batch))
	if err != nil {
		t.Fatal(err)
	}
	m := &measurement{Job: j, report: p.report, turns: newClock(nil, 0)}
	if _, err := m.time(c, s); err != nil {
		t.Fatalf("as predicted: %v", err)
	}
	s.server = miscounts{s.server}
	_, err = m.time(c, s)
	var f *Failure
	if !errors.As(err, &f) || f.Kind != "operations" || !strings.Contains(f.Error(), "layer fc2 did") {
		t.Errorf("one operation more: %v; want a failure of kind operations that names fc2", err)
	}
}
