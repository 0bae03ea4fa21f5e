package kernels

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The assembly is what the generator writes now.
func TestGeneratedFilesAreFresh(t *testing.T) {
	source, err := os.ReadFile("generate.go")
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := bytes.Cut(source, []byte("//go:generate "))
	if !ok {
		t.Fatal("generate.go has no directive")
	}
	words := strings.Fields(string(line)) // go run ./gen flags…
	dir := t.TempDir()
	generator := filepath.Join(dir, "gen")
	if out, err := exec.Command("go", "build", "-o", generator, words[2]).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(generator, words[3:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"kernels_amd64.s", "stubs_amd64.go"} {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: run go generate ./inference/kernels", name)
		}
	}
}
