package pruning

import "slices"

// Importances are the scores of a single weight: l1 is |w|, l2 is w², random a seeded control; activation is w²·E[x²] of
// the weight's input; taylor is |w·ḡ| and fisher (w·ḡ)², summed over batches of training samples with mean gradient ḡ.
func Importances() []string {
	return []string{"l1", "l2", "random", "activation", "taylor", "fisher"}
}

// Scopes say whether a ratio holds in each layer (local) or over the whole network (global).
func Scopes() []string { return []string{"local", "global"} }

// Scores rank tiles: the smallest, largest or average importance in the tile, its sum, or the tile's fraction of
// weights that are not zero.
func Scores() []string { return []string{"min", "max", "avg", "nonzero", "sum"} }

// Permutations are the strategies that order the neurons of each axis before tiles are cut (see arrange).
func Permutations() []string { return []string{"none", "random", "sort", "kmeans", "joint"} }

// Rates are the curves of the learning rate over the retrainings of a scheme: one that decays over all of them, or a
// restart for each.
func Rates() []string { return []string{"restarts", "one"} }

// Curves say how the density falls over the events of a gradual scheme: cubic (Zhu and Gupta, 2017) or linear.
func Curves() []string { return []string{"cubic", "linear"} }

// Budgets say what a ratio of tiles is a share of: the number of all tiles, that of each layer, the time of all products, or, of
// everything that the unpruned network takes, seconds of an evaluation, bytes of the server's memory, or bytes that it is sent.
func Budgets() []string { return append([]string{"tiles", "layer", "time"}, wholeBudgets...) }

// Whole tells whether a budget is a share of everything that the unpruned network takes, not of tiles alone.
func Whole(budget string) bool { return slices.Contains(wholeBudgets, budget) }

// Plans say which budget neurons are ordered for, at each event: the last one's or its own.
func Plans() []string { return []string{"final", "present"} }

// LassoScopes say which tiles the group lasso shrinks: all, or those that the last event would drop.
func LassoScopes() []string { return []string{"all", "dropped"} }
