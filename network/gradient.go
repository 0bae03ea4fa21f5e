package network

import "fmt"

// Gradients calls visit with the gradient of each batch's mean loss for the weights of every dense layer, laid out as
// the weights are, outputs×inputs; pruned weights have none. Batches come from the first samples on; visit must not
// keep what it is given.
func Gradients(n *Network, d Data, batch, batches int, visit func(layers [][]float32)) error {
	outputs, err := n.check()
	if err == nil {
		err = d.check(n.Inputs, outputs)
	}
	if err == nil && (batch < 1 || batches < 1 || batch > d.Len()) {
		err = fmt.Errorf("%d batches of %d: want at least one, of at most %d samples", batches, batch, d.Len())
	}
	if err != nil {
		return fmt.Errorf("network: gradients: %w", err)
	}
	t := newTrainer[float32](n.Clone(), batch)
	layers := make([][]float32, len(t.dense))
	for l, p := range t.dense {
		layers[l] = make([]float32, p.in*p.out)
	}
	samples := make([]int, batch)
	for b := range batches {
		for i := range samples {
			samples[i] = (b*batch + i) % d.Len()
		}
		t.pass(d, samples)
		t.reduce()
		for l, p := range t.dense {
			transpose(layers[l], p.w.grads[0], p.in, p.out)
		}
		visit(layers)
	}
	return nil
}
