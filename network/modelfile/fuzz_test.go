package modelfile

import (
	"os"
	"testing"

	"hepex/network"
)

// fuzz wants every file refused, or read as a network that can be folded.
func fuzz(f *testing.F, ending string, seeds map[string]string) {
	for _, content := range seeds {
		if len(content) < 1<<16 {
			f.Add([]byte(content))
		}
	}
	a := network.Architecture{Inputs: 4, Outputs: 2, Activation: "square"}
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parse(ending, content, "", Options{Architecture: &a, Replace: true})
		if err != nil {
			return
		}
		if _, err := m.Unfitted().Fold(); err != nil && len(m.Unfitted().Straighten()) == 0 {
			t.Errorf("a network that cannot be folded: %v", err)
		}
	})
}

func FuzzONNX(f *testing.F) {
	seeds := hostileONNX(f, f.TempDir())
	for _, name := range []string{"lenet", "plain"} {
		content, err := os.ReadFile("testdata/" + name + ".onnx")
		if err != nil {
			f.Fatal(err)
		}
		seeds[name] = string(content)
	}
	fuzz(f, ".onnx", seeds)
}

func FuzzSafetensors(f *testing.F) { fuzz(f, ".safetensors", hostileSafetensors()) }

func FuzzNPZ(f *testing.F) { fuzz(f, ".npz", hostileNPZ(f)) }
