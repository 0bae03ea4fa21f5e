package machine

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHashFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-4
	if got, err := hashFile(path); got != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if got, err := hashFile(path + "s"); err == nil {
		t.Errorf("no file: %s, want an error", got)
	}
}

func TestBinaryIsInTheEnvironment(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := hashFile(path)
	if got := Environment().Binary; err != nil || got != want {
		t.Errorf("%s; want that of this test, %s, %v", got, want, err)
	}
	if !slices.Contains(ForChildren(), BinaryVariable+"="+want) {
		t.Errorf("children get %q", ForChildren())
	}
}
