package config

import "testing"

// An alias is found where YAML has one, and nowhere else.
func TestAliasAt(t *testing.T) {
	for line, want := range map[string]int{
		"a: *h": 3, "*h": 0, "a: [1,*h]": 6, "a: {b: *h}": 7, "- *h # *h": 2, "é: *h\r": 3,
		"a: 1 # *h": -1, "a: \"*h\"": -1, "a: '*h' ": -1, "a: *house": -1, "a: 3*h": -1, "a: *house, b: *h": 14, "a: x#y *h": 7,
	} {
		if got := aliasAt(line, "h"); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}
