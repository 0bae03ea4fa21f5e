package run

import (
	"strings"
	"testing"
)

func TestTailKeepsTheEnd(t *testing.T) {
	log := &tail{max: 10}
	for range 100 {
		_, _ = log.Write([]byte("abc"))
	}
	if got := log.String(); got != "cabcabcabc" {
		t.Errorf("%q", got)
	}
}

// Why a process died stays, however long its stack is, and in whatever pieces it arrives.
func TestTailKeepsTheDeath(t *testing.T) {
	before := strings.Repeat("step\n", 300)
	for name, c := range map[string]struct{ log, has, lacks string }{
		"short":             {"panic: on purpose\n\ngoroutine 1\n", "panic: on purpose", "[…]"},
		"long":              {before + "panic: on purpose\n\ngoroutine 1\n" + strings.Repeat("main.f()\n", 3000), "panic: on purpose", "step"},
		"a little too long": {before + "panic: on purpose\n" + strings.Repeat("f\n", 70), "panic: on purpose\nf\nf\n", "[…]"},
		"fatal":             {"fatal error: runtime: out of memory\n" + strings.Repeat("x", 5000), "out of memory", "\n\n"},
		"the first counts":  {"fatal error: a\n" + strings.Repeat("x", 5000) + "\npanic: b\n" + strings.Repeat("y", 5000), "fatal error: a", "panic: b"},
		"within a line":     {"not panic: so\n" + strings.Repeat("x", 5000), "xxx", "panic"},
	} {
		for _, piece := range []int{1, 7, 100, 100000} {
			log := &tail{max: 100}
			for rest := c.log; rest != ""; rest = rest[min(piece, len(rest)):] {
				_, _ = log.Write([]byte(rest[:min(piece, len(rest))]))
			}
			got := log.String()
			if !strings.Contains(got, c.has) || strings.Contains(got, c.lacks) {
				t.Errorf("%s, by %d: %q", name, piece, got)
			}
			if end := c.log[max(0, len(c.log)-100):]; !strings.HasSuffix(got, end) || len(got) > 100+deathBytes+10 {
				t.Errorf("%s, by %d: %d bytes, ending %q", name, piece, len(got), got[max(0, len(got)-100):])
			}
		}
	}
}
