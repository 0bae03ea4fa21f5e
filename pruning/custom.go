package pruning

import (
	"fmt"
	"strconv"
	"strings"
)

// custom reads the steps of a custom scheme. Its retrainings must have the epochs of the budget, so that it compares with
// other schemes.
func (o Options) custom() ([]Step, error) {
	var steps []Step
	epochs, retrainings, last := 0, 0, -1
	for i, text := range o.Custom {
		step, err := o.ParseStep(text)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		if t, ok := step.(Train); ok {
			epochs += t.Options.Epochs
			step, last = o.retrain(t.Options.Epochs, retrainings, false), i
			retrainings++
		}
		steps = append(steps, step)
	}
	if last >= 0 {
		t := steps[last].(Train)
		t.Stop = o.Stop
		steps[last] = t
	}
	if epochs != o.Retrain.Epochs {
		return nil, fmt.Errorf("the steps retrain %d epochs: want %d in all, the budget of retraining", epochs, o.Retrain.Epochs)
	}
	return steps, nil
}

// CheckStep says what is wrong with a step as configs write it.
func CheckStep(text string) error {
	_, err := Options{}.ParseStep(text)
	return err
}

// StepEpochs is the number of epochs that the steps retrain, as far as they are steps.
func StepEpochs(steps []string) int {
	epochs := 0
	for _, text := range steps {
		step, err := Options{}.ParseStep(text)
		if t, ok := step.(Train); ok && err == nil {
			epochs += t.Options.Epochs
		}
	}
	return epochs
}

// stepForms is how each kind of step is written.
const stepForms = "prune weights|neurons|tiles|blocks RATIO, permute STRATEGY, joint RATIO, drop NONZERO, expand, retrain EPOCHS"

// ParseStep reads a step as configs write it:
//
//	prune weights 0.9   remove that share of the weights (or: neurons; tiles; blocks, groups of neurons that share tiles)
//	permute kmeans      order the neurons (see Permutations)
//	joint 0.8           order neurons and keep all but that share of the tiles, together
//	drop 0.0625         drop tiles with at most that fraction of weights left
//	expand              make every weight of a kept tile trainable again
//	retrain 4           train 4 epochs
//
// Importance, scope, tile score, budget and all else are the options'; a permutation is judged by the tiles that MaxNonzero or
// TileRatio would drop.
func (o Options) ParseStep(text string) (Step, error) {
	words := strings.Fields(text)
	bad := fmt.Errorf("%q is no step: want one of %s", text, stepForms)
	if len(words) == 0 {
		return nil, bad
	}
	name, last := strings.Join(words[:len(words)-1], " "), words[len(words)-1]
	switch {
	case text == "expand":
		return Expand{o.Shape}, nil
	case name == "permute":
		p := o.permute()
		p.Strategy = last
		return p, oneOf("strategy", last, Permutations())
	case name == "retrain":
		epochs, err := strconv.Atoi(last)
		if err != nil || epochs < 1 {
			return nil, fmt.Errorf("%q: want a whole number of epochs", text)
		}
		return o.retrain(epochs, 0, false), nil
	}
	v, err := strconv.ParseFloat(last, 64)
	if err != nil {
		return nil, bad
	}
	ratio := func(s Step) (Step, error) { return s, fraction("ratio", v) }
	switch name {
	case "prune weights":
		return ratio(PruneWeights{o.Importance, o.Scope, v, o.Seed})
	case "prune neurons":
		return ratio(PruneNeurons{o.Importance, o.Scope, v, o.Seed})
	case "prune tiles":
		return ratio(o.pruneTiles(o.Score, v))
	case "prune blocks":
		return ratio(PruneBlocks{o.Importance, v, o.Shape, o.Seed})
	case "joint":
		j := o.joint(1 - v)
		j.Strategy = "joint"
		return ratio(j)
	case "drop":
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("%q: want a fraction from 0 to 1", text)
		}
		return DropTiles{v, o.Shape}, nil
	}
	return nil, bad
}
