package pruning

// Schemes are the pruning schemes, each a list of steps (see Options.Steps).
func Schemes() []string {
	return []string{"dense", "p2t", "p3", "p3e", "p4", "p4e", "hunter", "mofhei", "joint"}
}

// Importances are the scores of a single weight: l1 is |w|, l2 is w², random a seeded control; taylor is |w·ḡ| and
// fisher (w·ḡ)², summed over batches of training samples with mean gradient ḡ.
func Importances() []string { return []string{"l1", "l2", "random", "taylor", "fisher"} }

// Scopes say whether a ratio holds in each layer (local) or over the whole network (global).
func Scopes() []string { return []string{"local", "global"} }

// Targets are what a prune step removes.
func Targets() []string { return []string{"weight", "neuron", "tile"} }

// Scores rank tiles: the smallest, largest or average importance in the tile, its sum, or the tile's fraction of
// weights that are not zero.
func Scores() []string { return []string{"min", "max", "avg", "nonzero", "sum"} }

// Permutations are the strategies that order the neurons of each axis before tiles are cut.
func Permutations() []string { return []string{"none", "random", "sort", "kmeans"} }
