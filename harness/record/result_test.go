package record

import (
	"strings"
	"testing"
)

func TestReason(t *testing.T) {
	for _, c := range []struct {
		name string
		r    Record
		want string
	}{
		{"a result", Record{Status: OK}, ""},
		{"nothing said", Record{Status: Failed}, "no reason recorded"},
		{"no kind", Record{Status: Failed, Error: &Error{Message: "killed"}}, "killed"},
		{"several lines", Record{Status: Refused, Error: &Error{Kind: "precision", Message: "12 bits;\n  want 16"}}, "precision: 12 bits; want 16"},
	} {
		if got := c.r.Reason(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Settings alone say nothing to who reads numbers; other warnings stay as they are.
func TestExplained(t *testing.T) {
	for warning, explained := range map[string]bool{RepeatsWarning + "measure.repeats.max reached": true, BusyWarning + "times are unreliable": false} {
		got := Explained(warning)
		if !strings.HasPrefix(got, warning) || strings.Contains(got, "medians hold") != explained {
			t.Errorf("%s: %s", warning, got)
		}
	}
}

// The network's own answers say nothing of its quality, in no column, but agreement and precision hold.
func TestQualityOnRandomInputsIsBlank(t *testing.T) {
	r := sample()
	for _, random := range []bool{false, true} {
		r.Data = &Data{Random: random}
		values := map[string]string{}
		for _, f := range Flatten(r) {
			values[f.Path] = f.Value
		}
		if (values["quality.plain"] == "") != random || (values["quality.degradation"] == "") != random || values["quality.precision_bits"] != "17.25" {
			t.Errorf("random %t: plain %q, degradation %q, precision %q", random, values["quality.plain"], values["quality.degradation"], values["quality.precision_bits"])
		}
	}
}
