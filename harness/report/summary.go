package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/stats"
	"hepex/harness/verify"
)

// line is one of the summary, after the word that says what it is about.
type line struct{ Topic, Text string }

// tolerated is the loss up to which the summary looks for savings, on validation samples: 2.5 points of accuracy, or 2.5 % more error,
// within which HE-PEx (Aharoni et al., 2023) reports its own.
const tolerated = 0.025

// summarise says in five lines what came out, for people who have not seen the experiments before.
func summarise(experiments []Experiment, sections []*section) []line {
	return []line{
		{"What was done.", done(experiments)},
		{"Tiles.", tilesLine(experiments)},
		{"Time and memory.", costLine(experiments)},
		{"Published numbers.", claimsLine(sections)},
		{"How far to trust it.", trustLine(experiments)},
	}
}

func done(experiments []Experiment) string {
	data, networks, schemes, encrypted, total := map[string]bool{}, map[string]bool{}, map[string]bool{}, 0, 0
	for _, e := range experiments {
		total += len(e.Records)
		for _, r := range e.Records {
			data[r.DataTitle()] = true
			addText(networks, r, "network.type", "network.from")
			addText(schemes, r, "prune.scheme")
			if r.Latency != nil {
				encrypted++
			}
		}
	}
	ran := fmt.Sprintf("%d ran encrypted", encrypted)
	switch encrypted {
	case 0:
		ran = "none ran encrypted"
	case total:
		ran = "all ran encrypted"
	}
	return fmt.Sprintf("Encrypted (with CKKS), a network computes on blocks of weights, called tiles, and a tile that pruning has emptied costs neither "+
		"time nor memory. %s of networks (%s; data %s; pruning %s) were tried; %s.", count(total, "variant"), list(networks), list(data), list(schemes), ran)
}

// addText adds the first of the values that r has.
func addText(set map[string]bool, r *record.Record, names ...string) {
	for _, name := range names {
		if text, ok := record.Text(r, name); ok {
			set[text] = true
			return
		}
	}
}

func list(set map[string]bool) string {
	if len(set) == 0 {
		return "unknown"
	}
	return strings.Join(slices.SortedFunc(maps.Keys(set), record.CompareTexts), ", ")
}

// saving is a metric of the best pruned networks of one scheme that lose no more than is tolerated: of each seed the best, and the mean
// of these, in the group of other parameters where that is best.
type saving struct {
	experiment, scheme, quality string
	group                       verify.Group
}

// best finds the best saving of all experiments. how is max or min, as the metric has it.
func best(experiments []Experiment, metric, how string) (found saving, ok bool) {
	better := func(a, b stats.Interval) bool { return a.Mean > b.Mean == (how == "max") && a.Mean != b.Mean }
	for _, e := range experiments {
		for _, scheme := range pruning(e.Records) {
			result := verify.Evaluate([]config.Expectation{{
				Metric: config.Ref{Name: metric}, Reduce: how, Over: []string{"train.seed"},
				Where: []config.Condition{
					{Ref: config.Ref{Name: "prune.scheme"}, Value: scheme},
					{Ref: config.Ref{Name: "quality.validation_degradation"}, Op: "<=", Limit: tolerated},
				},
			}}, e.Records).Results[0]
			for _, g := range result.Groups {
				if len(g.Values) == g.Cases && // a group that lacks a seed shows those that went well
					(!ok || better(g.Interval, found.group.Interval)) {
					found, ok = saving{e.Name, scheme, e.Records.QualityMetric(), g}, true
				}
			}
		}
	}
	return found, ok
}

// pruning lists the schemes that prune.
func pruning(records record.Set) []string {
	all := map[string]bool{}
	for _, r := range records {
		addText(all, r, "prune.scheme")
	}
	delete(all, "dense")
	delete(all, "small")
	return slices.Sorted(maps.Keys(all))
}

func tilesLine(experiments []Experiment) string {
	if !slices.ContainsFunc(experiments, func(e Experiment) bool { return len(pruning(e.Records)) > 0 }) {
		return "No network was pruned."
	}
	kept, ok := best(experiments, "tiles.density", "min")
	if !ok {
		return fmt.Sprintf("No pruned network stays within %s of the unpruned one in every seed.", loss(""))
	}
	return fmt.Sprintf("Pruned networks that lose at most %s need as little as %s of their tiles (%s).", loss(kept.quality), kept.share(), kept.where(experiments))
}

func costLine(experiments []Experiment) string {
	if !slices.ContainsFunc(experiments, func(e Experiment) bool { return slices.ContainsFunc(e.Records, timed) }) {
		return "Not measured: nothing ran encrypted."
	}
	var parts []string
	for _, cost := range []struct{ metric, name string }{{"saved.latency", "time of an encrypted evaluation"}, {"saved.memory", "peak memory"}} {
		if s, ok := best(experiments, cost.metric, "max"); ok && s.group.Interval.Mean > 0 {
			parts = append(parts, fmt.Sprintf("up to %s of the %s (%s)", s.share(), cost.name, s.where(experiments)))
		}
	}
	if len(parts) == 0 {
		return "Measured, but there is no saving to tell: no pruned network has an unpruned one beside it, loses little enough and takes less."
	}
	return "With no greater loss, pruning saves " + strings.Join(parts, ", and ") + "."
}

func timed(r *record.Record) bool { return r.Status == record.OK && r.Latency != nil }

func loss(quality string) string {
	percent := fmt.Sprintf("%g", 100*tolerated)
	switch quality {
	case "accuracy":
		return percent + " points of accuracy"
	case "mse":
		return percent + " % in squared error"
	}
	return percent + " % of quality"
}

// share is the mean, with its interval over several seeds.
func (s saving) share() string {
	m, i := record.Metric{Unit: record.Fraction}, s.group.Interval
	if len(s.group.Values) == 1 {
		return m.Format(i.Mean)
	}
	return m.FormatSpread(i.Mean, i.HalfWidth())
}

// where says which networks a saving is of.
func (s saving) where(experiments []Experiment) string {
	words := []string{"scheme " + s.scheme}
	if s.group.Name != "" {
		words = append(words, s.group.Name)
	}
	if len(experiments) > 1 {
		words = append(words, "in "+s.experiment)
	}
	seeds := "one seed"
	if n := len(s.group.Values); n > 1 {
		seeds = fmt.Sprintf("mean of %d seeds, 95 %% interval", n)
	}
	return strings.Join(append(words, seeds), ", ")
}

func claimsLine(sections []*section) string {
	total := 0
	var verdicts []verify.Verdict
	ids := map[verify.Verdict][]string{}
	for _, s := range sections {
		if s.Claims == nil {
			continue
		}
		for _, r := range s.Claims.report.Results {
			total++
			if ids[r.Verdict] == nil {
				verdicts = append(verdicts, r.Verdict)
			}
			ids[r.Verdict] = append(ids[r.Verdict], r.ID)
		}
	}
	if total == 0 {
		return "None to compare with."
	}
	slices.Sort(verdicts)
	var parts []string
	const most = 8 // that a line can name
	for _, v := range verdicts {
		text := fmt.Sprintf("%d %s", len(ids[v]), v)
		if len(ids[v]) <= most {
			text += " (" + strings.Join(ids[v], ", ") + ")"
		}
		parts = append(parts, text)
	}
	return fmt.Sprintf("Of %d that ours are compared with: %s.", total, strings.Join(parts, "; "))
}

func trustLine(experiments []Experiment) string {
	var all record.Set
	planned := 0
	seeds := map[string]bool{}
	for _, e := range experiments {
		all = append(all, e.Records...)
		planned += e.planned()
		for _, r := range e.Records {
			addText(seeds, r, "train.seed")
		}
	}
	text := fmt.Sprintf("%d of %s have a result, %d failed and %d are missing; %d have warnings; %s of training.",
		len(all)-countIf(all, failed), count(planned, "planned point"), countIf(all, failed), planned-len(all), countIf(all, warns), count(len(seeds), "seed"))
	switch ran, unsafe := countIf(all, timed), countIf(all, (*record.Record).Insecure); {
	case unsafe > 0:
		text += fmt.Sprintf(" %s used insecure parameters.", count(unsafe, "point"))
	case ran > 0:
		text += " All encryption has at least 128 bits of security."
	}
	return text
}
