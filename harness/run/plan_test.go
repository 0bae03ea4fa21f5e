package run

import (
	"strings"
	"testing"

	"hepex/harness/config"
)

// What no training can make work is refused at its place in the file, before anything is trained.
func TestPlanRefuses(t *testing.T) {
	const moduli = "he: {log_q: [60, 60, 60, 60, 60, 60, 60], log_p: [60], log_scale: 40}\n"
	for name, c := range map[string]struct {
		edit []string
		want string
	}{
		"under 128 bits": {[]string{"8x8x64", "16x16x32", "sweep", moduli + "sweep"},
			"f:7:13: he.log_q: log_q + log_p = 480 bits: 128-bit security at log_n 14 allows at most 430"},
		"under 128 bits in a small ring": {[]string{"sweep", strings.Replace(moduli, "}", ", ring: conjugate-invariant}", 1) + "sweep"},
			"f:7:13: he.log_q: log_q + log_p = 480 bits: 128-bit security at log_n 12 allows at most 106"},
		"too deep": {[]string{"[64]", "[64, 64, 64, 64, 64]"}, "f:6:7: tile: "},
	} {
		parsed, err := config.Parse("f", []byte(strings.NewReplacer(c.edit...).Replace(frozenConfig)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Plan(parsed, nil); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}
