package trial

import (
	"os"
	"strings"
	"testing"
)

// The README tells what an evaluation reveals in the words of the records.
func TestLeakageIsInTheReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := strings.ReplaceAll(strings.Join(strings.Fields(string(text)), " "), "**", "")
	for _, words := range []string{
		leakShape + ", the set of Galois keys", leakPattern, leakOrder, leakInputs, leakSums, leakNoise, leakDecrypted,
	} {
		if !strings.Contains(readme, words) {
			t.Errorf("the README does not say %q", words)
		}
	}
}
