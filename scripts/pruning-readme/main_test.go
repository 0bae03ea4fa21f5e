package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadmeIsFresh(t *testing.T) {
	t.Chdir("../..")
	committed, err := os.ReadFile("results/pruning/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var made bytes.Buffer
	if err := write(&made); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(committed), made.String()); diff != "" {
		t.Errorf("go run ./scripts/pruning-readme > results/pruning/README.md makes it again (-committed +made):\n%s", diff)
	}
}
