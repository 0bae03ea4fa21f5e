package tune

import (
	"gonum.org/v1/gonum/stat"

	"hepex/packing"
)

// Mean ranks what several networks have in common that differ in their seed only: of each choice that is priced by measurement for as
// many of them as any, the mean times, and the memory of the network that needs most. Candidates are those of each network. They come in the order
// of the first.
func Mean(candidates [][]Candidate) []Candidate {
	priced := map[packing.Choice][]Candidate{}
	var order []packing.Choice
	most := 0
	for _, of := range candidates {
		for _, c := range of {
			if !c.Measured {
				continue
			}
			if priced[c.Choice] == nil {
				order = append(order, c.Choice)
			}
			priced[c.Choice] = append(priced[c.Choice], c)
			most = max(most, len(priced[c.Choice]))
		}
	}
	var all []Candidate
	for _, choice := range order {
		if same := priced[choice]; len(same) == most {
			all = append(all, meanOf(same))
		}
	}
	return all
}

func meanOf(same []Candidate) Candidate {
	mean := same[0]
	for _, at := range []func(*Candidate) *float64{
		func(c *Candidate) *float64 { return &c.Seconds },
		func(c *Candidate) *float64 { return &c.Total },
		func(c *Candidate) *float64 { return &c.PerImage },
		func(c *Candidate) *float64 { return &c.KeySeconds },
	} {
		var values []float64
		for i := range same {
			values = append(values, *at(&same[i]))
		}
		*at(&mean) = stat.Mean(values, nil)
	}
	for _, c := range same {
		if c.Memory.Total() > mean.Memory.Total() {
			mean.Memory = c.Memory
		}
		mean.BytesUp, mean.BytesDown, mean.Upload = max(mean.BytesUp, c.BytesUp), max(mean.BytesDown, c.BytesDown), max(mean.Upload, c.Upload)
	}
	return mean
}
