package network

// frozen is a network that no longer trains, in the arithmetic of training: batch norm goes by its running
// statistics. Unlike [Network.Forward], it gives the same bits wherever in memory its matrices lie.
type frozen[T float] struct{ *trainer[T] }

func freeze[T float](n *Network) frozen[T] {
	t := newTrainer[T](n, shards)
	for _, p := range t.norms {
		p.fixed = true
	}
	return frozen[T]{t}
}

// frozenRows is how many samples a shard of a frozen network takes at once.
const frozenRows = 256

// run evaluates all samples, each shard its own range of them, and calls visit with the outputs of the samples from
// first on. Shards run at the same time, each from its first sample to its last.
func (f frozen[T]) run(d Data, visit func(shard, first int, y []T)) {
	parallel(len(f.shards), func(i int) {
		from, to := i*d.Len()/len(f.shards), (i+1)*d.Len()/len(f.shards)
		for ; from < to; from += frozenRows {
			samples := make([]int, min(frozenRows, to-from))
			for j := range samples {
				samples[j] = from + j
			}
			visit(i, from, f.shards[i].forward(d, samples))
		}
	})
}
