package pruning

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/network"
)

func bytesOf(t *testing.T, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestStateSurvivesItsFile(t *testing.T) {
	s := &State{Net: newNet(t, 20, 24, 10), Epochs: 3, Notes: []string{"a note"}, Teacher: newNet(t, 20, 10)}
	o := options("p4e")
	o.Train.Epochs, o.Retrain.Epochs = 0, 0
	apply(t, o, s, network.Data{})
	file := bytesOf(t, s)
	var read State
	if _, err := read.ReadFrom(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]any{s.Orders, s.Epochs, s.Notes}, []any{read.Orders, read.Epochs, read.Notes}); d != "" || !bytes.Equal(file, bytesOf(t, &read)) {
		t.Error("state differs from what was written")
	}
	for _, n := range []int{0, 3, 10, len(file) / 2, len(file) - 1} {
		if _, err := new(State).ReadFrom(bytes.NewReader(file[:n])); err == nil {
			t.Errorf("file cut to %d bytes: no error", n)
		}
	}
}

// A file whose orders are no permutations is refused: later steps, packing and pictures rely on them.
func TestStateRefusesOrders(t *testing.T) {
	for name, orders := range map[string][][]int{
		"an axis too few": {{0, 1, 2}, {0, 1}},
		"an axis more":    {{0, 1, 2}, {0, 1}, {0, 1}, {0}},
		"short":           {{0, 1}, {0, 1}, {0, 1}},
		"beyond":          {{0, 1, 3}, {0, 1}, {0, 1}},
		"negative":        {{0, 1, -1}, {0, 1}, {0, 1}},
		"twice":           {{0, 1, 2}, {1, 1}, {0, 1}},
	} {
		s := &State{Net: newNet(t, 3, 2, 2), Orders: orders}
		read := State{Epochs: 7}
		_, err := read.ReadFrom(bytes.NewReader(bytesOf(t, s)))
		if err == nil || !strings.HasPrefix(err.Error(), "pruning: read: packing: ") || read.Epochs != 7 || read.Net != nil {
			t.Errorf("%s: %v, read %+v", name, err, read)
		}
	}
	s := &State{Net: newNet(t, 3, 2, 2), Orders: [][]int{{2, 0, 1}, nil, {1, 0}}}
	if _, err := new(State).ReadFrom(bytes.NewReader(bytesOf(t, s))); err != nil {
		t.Errorf("an axis in its natural order: %v", err)
	}
}
