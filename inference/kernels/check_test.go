package kernels

import (
	"strings"
	"testing"
)

func TestChoice(t *testing.T) {
	defer func(was bool) { supported = was }(supported)
	for _, c := range []struct {
		value     string
		supported bool
		name      string
		warning   string
		err       string
	}{
		{"", true, AVX512, "", ""},
		{"", false, Portable, "", ""},
		{Portable, true, Portable, "", ""},
		{Portable, false, Portable, "", ""},
		{AVX512, true, AVX512, "", ""},
		{AVX512, false, Portable, "portable kernels", ""},
		{"avx2", true, "", "", `HEPEX_KERNELS="avx2": want portable or avx512-ifma`},
		{"Portable", false, "", "", "want portable"},
	} {
		t.Setenv("HEPEX_KERNELS", c.value)
		supported = c.supported
		warning, err := Check()
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: %v, want %s", c.value, err, c.err)
			}
		case err != nil || choose() != c.name || (warning != "") != (c.warning != "") || !strings.Contains(warning, c.warning):
			t.Errorf("%q, supported %t: %s, %q, %v", c.value, c.supported, choose(), warning, err)
		}
	}
}
