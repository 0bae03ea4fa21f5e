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
	tr := &trial{spec: j.Spec, report: p.report, turns: newClock(alone{}, 0)}
	if err := tr.load(p); err != nil {
		t.Fatal(err)
	}
	if tr.values, err = p.values(tr.pruned); err != nil {
		t.Fatal(err)
	}
	params, err := tr.choose()
	if err != nil {
		t.Fatal(err)
	}
	batch, err := p.samples.test.first(tr.packed.model.Batch)
	if err != nil {
		t.Fatal(err)
	}
	_, server, input, err := tr.serve(params, rows(batch))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.time(params, server, input); err != nil {
		t.Fatalf("as predicted: %v", err)
	}
	_, err = tr.time(params, miscounts{server}, input)
	var f *Failure
	if !errors.As(err, &f) || f.Kind != "operations" || !strings.Contains(f.Error(), "layer fc2 did") {
		t.Errorf("one operation more: %v; want a failure of kind operations that names fc2", err)
	}
}
