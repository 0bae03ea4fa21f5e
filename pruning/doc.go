// Package pruning makes networks cheap to evaluate under encryption: it prunes weights, orders neurons so that
// the zeros meet in the same tiles, drops tiles, expands kept tiles again and retrains (HE-PEx, Aharoni et al.,
// ESORICS 2023).
//
// A scheme is a list of steps on a State, the network with its masks and the order of the neurons of each
// axis. The network itself keeps its neurons in their original order throughout; an order only says which
// neurons will share a tile:
//
//	dense  train, retrain
//	p2t    train, prune tiles, retrain
//	p3     train, prune, retrain, permute
//	p3e    train, prune, retrain, permute, expand, retrain
//	p4     train, prune, retrain, permute, drop almost-zero tiles, retrain
//	p4e    train, prune, retrain, permute, drop almost-zero tiles, expand, retrain
//	hunter train, then in rounds: prune the tiles of lowest average, retrain
//	mofhei train, prune groups of hidden neurons, retrain
//	joint  train, then in rounds: order neurons and drop tiles together, retrain
//	custom train, then the steps that a config lists (see ParseStep)
//
// The order of the steps of p4e is the paper's; where it leaves the others open, the table is ours. So are: the
// retraining epochs, one budget for a whole scheme, shared by its retrainings, so that all schemes
// (dense, which serves as the unpruned reference, among them) train equally long; and the details of balanced
// k-means (see Permute). The scheme joint is ours (see Joint); hunter and mofhei are our adaptations of Hunter (Cai et
// al., AsiaCCS 2022) and MOFHEI (arXiv 2412.07954) to tiles of fully connected layers.
//
// # Retraining
//
// The retrainings of a scheme are runs of their own, each with a learning rate that warms up and decays (restarts), or
// one run with one curve and Adam's moments kept, in the middle of which the other steps happen (one; see Gradual).
// Every scheme can use either, distillation from the network before the first prune step, and early stop.
package pruning

// Version is raised whenever the same options may prune a network otherwise.
const Version = 2
