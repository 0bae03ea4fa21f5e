package trial

import (
	"fmt"

	"hepex/packing"
)

// What is revealed, in the words of the README.
const (
	leakShape     = "layer sizes, which layers are squared, levels"
	leakPattern   = "a pattern that pruning derived from the weights; not the weights"
	leakOrder     = "the order of inputs and outputs, which pruning derived from the weights"
	leakInputs    = "which inputs no weight reads"
	leakSums      = "unused slots of the outputs, which hold partial sums of products with weights"
	leakNoise     = "outputs with noise that depends on the weights (no circuit privacy)"
	leakDecrypted = "noise that depends on the secret key (IND-CPA-D)"
)

// leakage says what the evaluation of a point reveals beside its outputs, and to whom, under the threat model of the
// README: an honest but curious server, and a client that holds the secret key.
func leakage(m *packing.Model, encrypted, permuted bool) []string {
	kept, total := 0, m.Layout.Tiles()
	for l := range m.Layers {
		kept += m.KeptTiles(l)
	}
	var notes []string
	switch {
	case !encrypted:
		notes = append(notes, "server: owns the model")
	case kept == total:
		notes = append(notes, "server: "+leakShape+" and the set of Galois keys; not the weights")
	default:
		notes = append(notes, fmt.Sprintf("server: %s, the set of Galois keys, and which %d of %d tiles are kept, %s", leakShape, kept, total, leakPattern))
	}
	if permuted {
		notes = append(notes, "client: "+leakOrder)
	}
	if m.LeavesOut() > 0 {
		notes = append(notes, "client: "+leakInputs)
	}
	if !encrypted && m.LeaksSums() {
		notes = append(notes, "client: "+leakSums)
	}
	if !encrypted {
		notes = append(notes, "client: "+leakNoise)
	}
	return append(notes, "server, if decrypted values are shared back with it: "+leakDecrypted)
}
