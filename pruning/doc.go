// Package pruning makes networks cheap to evaluate under encryption: it prunes weights, orders neurons so that
// the zeros meet in the same tiles, drops tiles, expands kept tiles again and retrains (HE-PEx, Aharoni et al.,
// ESORICS 2023).
//
// A scheme is a list of steps on a State, the network with its masks and the order of the neurons of each
// axis. The network itself keeps its neurons in their original order throughout; an order only says which
// neurons will share a tile. The registry in schemes.go has an entry for each scheme, such as
//
//	p4e  train, prune, retrain, permute, drop almost-zero tiles, expand, retrain
//
// The retraining epochs are one budget for a whole scheme, shared by its retrainings, so that all schemes (dense, which serves
// as the unpruned reference, among them) train equally long. That and the details of balanced k-means (see Permute) are ours.
//
// # Retraining
//
// The retrainings of a scheme are runs of their own, each with a learning rate that warms up and decays (restarts), or
// one run with one curve and Adam's moments kept, in the middle of which the other steps happen (one; see Gradual).
// Every built-in scheme can use either, and all can use distillation from the network before the first prune step, and early
// stop in the last retraining.
//
// # Budgets of the whole evaluation
//
// Tiles are not what a user pays for. A row of tiles takes relinearisation, rotations and a square whatever it holds, and each
// input has to be read and sent: at 16x16x32 that is 88 % of the time of an unpruned network. The budgets evaluation, memory and
// upload are shares of everything. Joint then chooses groups of neurons by worth minus price, and tiles by worth per price
// between live groups (see choice); it orders neurons for what the last event will keep, and the lasso shrinks only what that
// drops. A budget that cannot be met is refused.
//
// Points of validation accuracy lost on Fashion-MNIST, one seed (noise about .2):
//
//	lasso on what is dropped, 4x32x64 at .2     λ 0: .28; .02: .43; .05: .60; .15: .77
//	the same, 16x16x32 at .18                   λ 0: 1.53 (and a row less); .02: 1.10; .05: 1.35; .15: 1.25
//	events, 16x16x32 at .18, λ .05              4 until .2: 1.35; 8 until .2: 1.25; 4 until .5: 1.13; one: 1.27
//
// # What was tried for joint
//
// Validation accuracy of 784-128-128-10 on MNIST (dense 98.43 %) or validation MSE of 784-32-784 (dense .0173 to .0175), tiles
// 8x8, one seed (noise about 0.1 points, 1 % of the MSE), equal budgets of 20 (autoencoder: 20 or 30) epochs:
//
//	kept   group lasso until the last event        density .08: 98.07 to 98.33; .04: 97.08 to 97.58; autoencoder .15: .0218 to .0210
//	kept   8 events until .6 of the retraining     .065: 97.98 to 98.10 (12 or 16 events until .75: 0.3 points worse)
//	kept   a higher rate of learning               autoencoder .45: .0178 at 2e-3, .0176 at 6e-3
//	kept   no tile for each output of autoencoders .15: .0266 to .0218: the rule that keeps classes alive had starved the encoder
//	kept   importance fisher                       kronecker-factored w²·E[x²]·E[δ²]: the same to 0.1 points and 0.5 %
//	not    optimal brain surgeon, diagonal         w²·E[δ²]/[H⁻¹]: better at .15 (98.47), worse at .04 (96.33 against 97.08)
//	not    fisher with off-diagonals in a tile     (Σ w·g)² over a tile: 97.60 against 97.62 at .04, 98.12 against 98.10 at .065
//	not    a new search at every event *           autoencoder .15: .0269 against .0266
//	not    higher floors of layers, .5 and .8 *    autoencoder .15: .0256 and .0253 against .0248
//	not    distillation by default                 .065: +0.05 points; autoencoder: 1 to 2 % worse
//	not    no weight decay, other starting squares * same to 0.5 %
//	kept   fisher, rows by the power .5           784-256-64-256-784 at .36, 10 + 8 epochs: .00659; l1 .00698, rows by the power 1 .00696, until .8 .00737
//	kept   the share of retraining as a setting   Fashion-MNIST at .13, 20 epochs in all: 88.1 % with 12 + 8, 88.6 % with 8 + 12 and a weaker teacher
//
// A lasso works in proportion to λ, rate and steps together: longer retraining wants a smaller λ (784-256-64-256-784 at .36, 10 + 24 epochs at
// 6e-3: .0058 with λ = .01, .0056 with .002; dense .0052). A state notes when a lasso has emptied tiles that are to be kept.
//
// * with the starving rule for outputs still in place.
package pruning

// Version is raised whenever the same options may prune a network otherwise.
const Version = 3
