package pruning

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// custom reads the steps of a custom scheme. Its retrainings must have the epochs of the budget, so that it compares with
// other schemes; the last may stop early.
func (o Options) custom() ([]Step, error) {
	var steps []Step
	epochs, retrainings := 0, 0
	for i, text := range o.Custom {
		step, err := o.ParseStep(text)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		if t, ok := step.(Train); ok {
			epochs += t.Options.Epochs
			step = o.retrain(t.Options.Epochs, retrainings, epochs == o.Retrain.Epochs)
			retrainings++
		}
		steps = append(steps, step)
	}
	if epochs != o.Retrain.Epochs {
		return nil, fmt.Errorf("the steps retrain %d epochs in all; want %d, which prune.retrain.epochs gives every scheme", epochs, o.Retrain.Epochs)
	}
	return steps, nil
}

// CheckStep says what is wrong with a step as configs write it.
func CheckStep(text string) error {
	_, err := Options{}.ParseStep(text)
	return err
}

// ParseStep reads a step as configs write it:
//
//	prune weights 0.9   remove that share of the weights (or of another target; or blocks, groups of neurons that share tiles)
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
	bad := fmt.Errorf("%q is no step: want one of prune %ss RATIO, permute STRATEGY, joint RATIO, drop NONZERO, expand, retrain EPOCHS",
		text, strings.Join(append(Targets(), blocks.name), "s|"))
	if len(words) == 0 {
		return nil, bad
	}
	name, last := strings.Join(words[:len(words)-1], " "), words[len(words)-1]
	switch {
	case text == "expand":
		return Expand{Shape: o.Shape}, nil
	case name == "permute":
		p, _ := o.drop()
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
	switch name {
	case "joint":
		j := o.joint(1 - v) // as if it were the last: what comes after it is not known
		j.Strategy, j.Final, j.Plan = "joint", j.Density, "final"
		return j, fraction("ratio", v)
	case "drop":
		return DropTiles{MaxNonzero: v, Shape: o.Shape}, within("drop", v, 0, 1)
	}
	for _, t := range slices.Concat(targets, []target{blocks}) {
		if name == "prune "+t.name+"s" {
			return t.step(o, v), fraction("ratio", v)
		}
	}
	return nil, bad
}
