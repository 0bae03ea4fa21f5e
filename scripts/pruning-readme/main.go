// Pruning-readme writes results/pruning/README.md from the records of the comparisons of pruning schemes, their configs and the text in
// README.tmpl. From the top of the repository:
//
//	go run ./scripts/pruning-readme > results/pruning/README.md
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"hepex/harness/config"
	"hepex/harness/record"
)

//go:embed README.tmpl
var page string

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "pruning-readme: %v\n", err)
		os.Exit(1)
	}
}

func write(w io.Writer) error {
	t, err := template.New("README").Funcs(template.FuncMap{
		"verify": verify, "quality": quality, "tilesCost": tilesCost, "parts": parts,
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, nil)
}

// verify is what hepex verify says to a config.
func verify(name string) (string, error) {
	cmd := exec.Command("go", "run", "./experiments/hepex", "verify", "configs/pruning/"+name+".yaml", "--format", "markdown")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil && len(text) == 0 { // missed expectations are an error, too
		return "", fmt.Errorf("verify %s: %w: %s", name, err, stderr.Bytes())
	}
	table, _, _ := strings.Cut(string(text), "\n\n") // what stands under it is in the text above all tables
	return table, nil
}

// columns are the schemes of a table of qualities.
var columns = []string{"joint", "hunter", "p4e", "p2t", "mofhei"}

// quality is a table of the quality of each scheme at each density that was asked for, with one tile shape.
func quality(title, experiment, tile string) (string, error) {
	set, err := load(experiment)
	if err != nil {
		return "", err
	}
	cells := map[float64]map[string]record.Set{} // by the density asked for, and scheme
	var dense record.Set
	for _, r := range set {
		scheme := fmt.Sprint(r.Params["prune.scheme"])
		switch {
		case r.Params["tile"] != tile:
		case scheme == "dense":
			dense = append(dense, r)
		default:
			asked := askedFor(r)
			if cells[asked] == nil {
				cells[asked] = map[string]record.Set{}
			}
			cells[asked][scheme] = append(cells[asked][scheme], r)
		}
	}
	shape, _ := strings.CutSuffix(tile, "x1")
	var b strings.Builder
	fmt.Fprintf(&b, "**%s, tiles %s** (dense %s)\n\n", title, shape, spread(dense))
	writeRow(&b, slices.Concat([]string{"tiles asked for"}, columns))
	writeRow(&b, slices.Repeat([]string{"---"}, 1+len(columns)))
	for _, asked := range slices.Backward(slices.Sorted(maps.Keys(cells))) {
		row := []string{percent(asked)}
		for _, scheme := range columns {
			row = append(row, cell(cells[asked][scheme], asked))
		}
		writeRow(&b, row)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// tilesCost compares joint with gradual pruning of single weights.
func tilesCost() (string, error) {
	single, err := load("pruning-unstructured")
	if err != nil {
		return "", err
	}
	tiles, err := load("pruning-mnist-mlp")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	writeRow(&b, []string{"kept", "joint, tiles 8x8", "single weights, l1", "single weights, Fisher"})
	writeRow(&b, slices.Repeat([]string{"---"}, 4))
	for _, ratio := range []float64{0.5, 0.7, 0.85, 0.92, 0.96} {
		at := func(set record.Set, tile, importance string) string {
			return cell(matching(set, map[string]any{"tile": tile, "prune.scheme": "joint", "prune.importance": importance, "prune.ratio": ratio}), 1-ratio)
		}
		writeRow(&b, []string{percent(1 - ratio), at(tiles, "8x8x1", "fisher"), at(single, "1x1x1", "l1"), at(single, "1x1x1", "fisher")})
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// parts is a table of the labelled points of an ablation, in the order of its config, at two ratios.
func parts(experiment string, first, second float64) (string, error) {
	set, err := load(experiment)
	if err != nil {
		return "", err
	}
	c, err := config.Load(filepath.Join("results", experiment, "config.yaml"))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	writeRow(&b, []string{"", percent(1-first) + " of the tiles asked for", "density", percent(1-second) + " of the tiles asked for", "density"})
	writeRow(&b, slices.Repeat([]string{"---"}, 5))
	done := map[string]bool{}
	for _, p := range c.Points {
		if done[p.Label] || p.Spec.Prune.Scheme == "dense" {
			continue
		}
		done[p.Label] = true
		row := []string{p.Label}
		for _, ratio := range []float64{first, second} {
			points := slices.DeleteFunc(matching(set, map[string]any{"prune.ratio": ratio}), func(r *record.Record) bool { return r.Label != p.Label })
			kept := "–"
			if len(points) > 0 {
				kept = fmt.Sprintf("%.3f", density(points))
			}
			row = append(row, spread(points), kept)
		}
		writeRow(&b, row)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// load reads the records that are ok.
func load(experiment string) (record.Set, error) {
	set, damaged, err := record.NewStore(filepath.Join("results", experiment)).Load()
	for _, d := range damaged {
		err = errors.Join(err, d.Err)
	}
	if err == nil && len(set) == 0 {
		err = errors.New("no records: want to be run from the top of the repository")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", experiment, err)
	}
	return slices.DeleteFunc(set, func(r *record.Record) bool { return r.Status != record.OK }), nil
}

func matching(set record.Set, params map[string]any) record.Set {
	return slices.DeleteFunc(slices.Clone(set), func(r *record.Record) bool {
		for name, value := range params {
			if r.Params[name] != value {
				return true
			}
		}
		return false
	})
}

// askedFor is the share of the tiles that a point is to keep: p4e prunes weights first, then tiles.
func askedFor(r *record.Record) float64 {
	ratio, tiles := r.Params["prune.tiles.ratio"].(float64)
	if !tiles {
		ratio, _ = r.Params["prune.ratio"].(float64)
	}
	return math.Round((1-ratio)*1e6) / 1e6
}

// cell is the quality of points, with their density where it is not the one asked for.
func cell(points record.Set, asked float64) string {
	if len(points) == 0 {
		return "–"
	}
	text := spread(points)
	if reached := density(points); math.Abs(reached/asked-1) > 0.15 {
		text += fmt.Sprintf(" *at %s*", percent(reached))
	}
	return text
}

func density(points record.Set) float64 {
	sum := 0.0
	for _, r := range points {
		sum += r.Tiles.Density
	}
	return sum / float64(len(points))
}

// spread is the mean and the range of the test quality: accuracies in per cent, errors as they are.
func spread(points record.Set) string {
	if len(points) == 0 {
		return "–"
	}
	scale, digits := 100.0, 2
	if points[0].Quality.Metric == "mse" {
		scale, digits = 1, 4
	}
	sum, low, high := 0.0, math.Inf(1), math.Inf(-1)
	for _, r := range points {
		q := scale * r.Quality.Plain
		sum, low, high = sum+q, min(low, q), max(high, q)
	}
	return fmt.Sprintf("%.*f [%.*f, %.*f]", digits, sum/float64(len(points)), digits, low, digits, high)
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

func writeRow(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}
