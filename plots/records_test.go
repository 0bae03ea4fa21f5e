package plots

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"hepex/harness/record"
)

// experiment makes the records of a whole sweep, as the MNIST perceptron of the method would give
// them: schemes × ratios × two tile shapes × plain and encrypted weights × two seeds.
func experiment() record.Set {
	rng := rand.New(rand.NewPCG(1, 2))
	var all record.Set
	for _, tile := range []string{"8x8x128", "16x16x32"} {
		for _, name := range []string{"dense", "p2t", "p3", "p3e", "p4", "p4e"} {
			for _, ratio := range []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95} {
				if name == "dense" && ratio > 0.5 {
					continue
				}
				for seed := 1; seed <= 2; seed++ {
					noise := rng.Float64()
					for _, weights := range []string{"plain", "encrypted"} {
						all = append(all, measured(name, tile, weights, ratio, seed, noise))
					}
				}
			}
		}
	}
	for i, r := range all {
		r.Point, r.Attempt = fmt.Sprintf("%08x", i), 1
	}
	return all
}

// measured is one record; noise, from 0 to 1, stands for what the seed decides.
func measured(name, tile, weights string, ratio float64, seed int, noise float64) *record.Record {
	total, batch, seconds := 1748, 128, 0.9
	if tile == "16x16x32" {
		total, batch, seconds = 464, 32, 0.3
	}
	if weights == "encrypted" {
		seconds *= 2.2
	}
	density, lost := 1.0, 0.0
	params := map[string]any{
		"data.name": "mnist", "network.type": "mlp", "prune.scheme": name, "tile": tile,
		"he.weights": weights, "train.seed": seed, "train.lr": 1e-3,
	}
	if name != "dense" {
		params["prune.ratio"] = ratio
		gain := map[string]float64{"p2t": 1, "p3": 0.55, "p3e": 0.55, "p4": 0.9, "p4e": 0.93}[name]
		cost := map[string]float64{"p2t": 0.08, "p3": 0.03, "p3e": 0.025, "p4": 0.045, "p4e": 0.035}[name]
		density = 1 - gain*ratio + 0.01*noise
		if name == "p2t" {
			density = 1 - ratio
		}
		lost = cost*math.Exp(4*(1-density)-3.2) + 0.002*noise
	}
	kept := int(math.Round(density * float64(total)))
	density = float64(kept) / float64(total)
	// Rounded, so that golden files do not depend on how a machine rounds.
	evaluate := micro(seconds*(0.1+0.9*density) + 0.002*noise)
	unpruned, lost := micro(0.981+0.002*noise), micro(lost)
	return &record.Record{
		Schema: record.Schema, Experiment: "mnist-mlp", Status: record.OK, Params: params,
		Seeds: map[string]uint64{"train": uint64(seed)},
		Quality: &record.Quality{
			Metric: "accuracy", Unpruned: unpruned, Plain: unpruned - lost, Encrypted: unpruned - lost - 1e-4, Degradation: lost,
			ValidationDegradation: 0.9 * lost, Agreement: 0.999, Samples: batch, PrecisionBits: micro(16 + noise),
		},
		Tiles:      &record.Tiles{Total: total, Kept: kept, Density: density},
		Operations: &record.Operations{CtPtMul: kept, Rotate: 12, Add: kept},
		Batch:      batch, Threads: 1,
		Latency:  &record.Latency{Evaluate: []float64{evaluate}, EvaluateMedian: evaluate, EvaluatePerImage: evaluate / float64(batch)},
		Memory:   &record.Memory{PeakRSS: int64(1e9 * micro(0.2+seconds*density)), Model: int64(kept) * 400_000, Keys: 90 << 20},
		Training: &record.Training{EpochsTotal: 18, Seconds: 120},
		HE:       &record.HE{LogN: 14, SecurityBits: 128, Weights: weights},
	}
}

// autoencoder is what experiment is, for a network whose quality is an error.
func autoencoder() record.Set {
	all := experiment()
	for _, r := range all {
		q := r.Quality
		worse := micro(8 * q.Degradation)
		*q = record.Quality{Metric: "mse", Unpruned: 0.0122, Plain: 0.0122 * (1 + worse), Encrypted: 0.0122 * (1 + worse),
			Degradation: worse, ValidationDegradation: worse, Samples: q.Samples, PrecisionBits: q.PrecisionBits}
	}
	return all
}

func micro(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// with copies the records and changes the copies.
func with(all record.Set, change func(i int, r *record.Record)) record.Set {
	changed := make(record.Set, len(all))
	for i, r := range all {
		c := *r
		changed[i] = &c
		change(i, &c)
	}
	return changed
}

// where picks records by the text of a parameter.
func where(all record.Set, name, value string) record.Set {
	return having(all, []string{name}, []string{value})
}

// tileMap makes a map of layers of the given sizes, inputs and outputs in turn: weights cluster as
// they do in a trained network, and sorting the neurons stands for a permutation.
func tileMap(groupIn, groupOut int, sizes ...int) TileMap {
	rng := rand.New(rand.NewPCG(3, 4))
	m := TileMap{Title: "p4e, ratio 0.9"}
	for n := 1; n < len(sizes); n++ {
		ins, outs := sizes[n-1], sizes[n]
		l := TileMapLayer{Name: fmt.Sprintf("fc%d", n), GroupIn: groupIn, GroupOut: groupOut}
		groupIn, groupOut = groupOut, groupIn
		keepIn, keepOut := make([]float64, ins), make([]float64, outs)
		for i := range keepIn {
			keepIn[i] = math.Pow(rng.Float64(), 3)
		}
		for o := range keepOut {
			keepOut[o] = math.Pow(rng.Float64(), 0.7)
		}
		for range 2 {
			weights := make([][]float32, outs)
			for o := range weights {
				weights[o] = make([]float32, ins)
				for i := range weights[o] {
					if rng.Float64() < keepIn[i]*keepOut[o] {
						weights[o][i] = float32(math.Abs(rng.NormFloat64()))
					}
				}
			}
			l.Before, l.After = l.After, weights
			slices.Sort(keepIn)
			slices.Sort(keepOut)
		}
		l.Kept = make([][]bool, ceilDiv(outs, l.GroupOut))
		for r := range l.Kept {
			l.Kept[r] = make([]bool, ceilDiv(ins, l.GroupIn))
			for c := range l.Kept[r] {
				l.Kept[r][c] = r+c >= (len(l.Kept)+len(l.Kept[r]))*6/10
			}
		}
		for o, row := range l.After {
			for i := range row {
				if !l.Kept[o/l.GroupOut][i/l.GroupIn] {
					row[i] = 0
				}
			}
		}
		m.Layers = append(m.Layers, l)
	}
	return m
}

// collapsing is a sweep over low densities, three seeds, in which some schemes collapse to guessing.
func collapsing() record.Set {
	rng := rand.New(rand.NewPCG(5, 6))
	var all record.Set
	for _, tile := range []string{"8x8x1", "16x16x1"} {
		for seed := 1; seed <= 3; seed++ {
			for _, name := range []string{"dense", "joint", "hunter", "p4e", "p2t", "mofhei"} {
				for _, density := range []float64{0.5, 0.3, 0.15, 0.11, 0.08, 0.05, 0.04} {
					if name == "dense" && density < 0.5 {
						continue
					}
					r := measured(name, tile, "encrypted", 1-density, seed, rng.Float64())
					kept := int((density + 0.005*rng.Float64()) * 4000)
					r.Tiles = &record.Tiles{Total: 4000, Kept: kept, Density: float64(kept) / 4000}
					knee := map[string]float64{"joint": 0.012, "hunter": 0.02, "p4e": 0.03, "p2t": 0.08, "mofhei": 0.1}[name]
					quality := 0.98 - 0.02*math.Pow(knee/density, 2) + 0.004*rng.Float64()
					r.Quality.Plain = micro(max(quality, 0.098+0.02*rng.Float64()))
					if name == "dense" {
						r.Tiles = &record.Tiles{Total: 4000, Kept: 4000, Density: 1}
					}
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// ablation takes one part of a scheme away at a time, at two ratios with three seeds, beside dense.
func ablation() record.Set {
	rng := rand.New(rand.NewPCG(7, 8))
	rows := []struct {
		label, search string
		cost          float64
	}{
		{"joint", "joint", 0}, {"no lasso", "joint", 0.002}, {"order: none", "none", 0.012}, {"order: sort", "sort", 0.008},
		{"order: kmeans", "kmeans", 0.004}, {"importance: l1", "joint", 0.003}, {"importance: activation", "joint", 0.001},
		{"one event, no lasso", "joint", 0.006}, {"restarts, no lasso", "joint", 0.007}, {"equal share of layers", "joint", 0.02},
		{"budget: time", "joint", -0.001}, {"with distillation", "joint", 0},
	}
	var all record.Set
	for seed := 1; seed <= 3; seed++ {
		dense := measured("dense", "16x16x1", "encrypted", 0, seed, rng.Float64())
		dense.Label = "dense"
		all = append(all, dense)
	}
	for _, row := range rows {
		for _, ratio := range []float64{0.85, 0.92} {
			for seed := 1; seed <= 3; seed++ {
				r := measured("p4e", "16x16x1", "encrypted", ratio, seed, rng.Float64())
				r.Label, r.Params[scheme], r.Params["prune.search"] = row.label, "joint", row.search
				r.Params["prune.variant"] = row.label
				r.Quality.Plain = micro(0.975 - row.cost*math.Pow((1-0.85)/(1-ratio), 2) - 0.004*rng.Float64())
				all = append(all, r)
			}
		}
	}
	return all
}
