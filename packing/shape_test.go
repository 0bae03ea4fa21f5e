package packing

import "testing"

func TestParseShape(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Shape
		ok   bool
	}{
		{"16x16x32", Shape{16, 16, 32}, true},
		{"1x1x4096", Shape{1, 1, 4096}, true},
		{"8x4x1", Shape{8, 4, 1}, true},
		{"3x5x7", Shape{}, false},
		{"0x16x32", Shape{}, false},
		{"-1x16x32", Shape{}, false},
		{"016x16x32", Shape{}, false},
		{"+1x16x32", Shape{}, false},
		{"16x16", Shape{}, false},
		{"16x16x32x1", Shape{}, false},
		{"16 x16x32", Shape{}, false},
		{"512x512x512", Shape{}, false},
		{"4611686018427387904x4x4", Shape{}, false},
		{"", Shape{}, false},
	} {
		got, err := ParseShape(c.in)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("ParseShape(%q) = %v, %v; want %v, ok %t", c.in, got, err, c.want, c.ok)
		}
	}
}

func FuzzParseShape(f *testing.F) {
	for _, s := range []string{"16x16x32", "1x1x1", "x", "9x9x9", "16x16x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if sh, err := ParseShape(s); err == nil && sh.String() != s {
			t.Errorf("ParseShape(%q) = %s, which prints otherwise", s, sh)
		}
	})
}
