package kernels

import (
	"slices"
	"strings"
	"testing"
)

func TestChoice(t *testing.T) {
	defer func(was []bool) {
		for i := range was {
			implementations[i].supported = was[i]
		}
	}([]bool{implementations[0].supported, implementations[1].supported})
	for _, c := range []struct {
		value   string
		has     string // what the processor has besides portable code
		name    string
		warning string
		err     string
	}{
		{"", "avx512-ifma avx2-fma", AVX512, "", ""},
		{"", "avx2-fma", AVX2, "", ""},
		{"", "", Portable, "", ""},
		{Portable, "avx512-ifma avx2-fma", Portable, "", ""},
		{Portable, "", Portable, "", ""},
		{AVX2, "avx512-ifma avx2-fma", AVX2, "", ""},
		{AVX2, "", Portable, "no AVX2 and FMA: portable kernels compute", ""},
		{AVX512, "avx512-ifma avx2-fma", AVX512, "", ""},
		{AVX512, "avx2-fma", AVX2, "no AVX-512 IFMA: avx2-fma kernels compute", ""},
		{AVX512, "", Portable, "no AVX-512 IFMA: portable kernels compute", ""},
		{"avx2", "avx2-fma", "", "", `HEPEX_KERNELS="avx2": want avx512-ifma or avx2-fma or portable`},
		{"Portable", "", "", "", "or portable"},
	} {
		t.Setenv("HEPEX_KERNELS", c.value)
		for i := range implementations[:2] {
			implementations[i].supported = slices.Contains(strings.Fields(c.has), implementations[i].name)
		}
		warning, err := Check()
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: %v, want %s", c.value, err, c.err)
			}
		case err != nil || choose() != c.name || (warning != "") != (c.warning != "") || !strings.Contains(warning, c.warning):
			t.Errorf("%q of %q: %s, %q, %v", c.value, c.has, choose(), warning, err)
		}
	}
}
