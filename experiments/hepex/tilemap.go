package main

import (
	"fmt"
	"path/filepath"

	"hepex/harness/record"
	"hepex/harness/trial"
	"hepex/plots"
)

// drawPoint draws the tile map of the point with the given identity.
func (r *results) drawPoint(id string) ([]string, error) {
	for _, rec := range r.records {
		if rec.Point == id && rec.Status == record.OK {
			return r.drawMap("tile-map-"+id, rec)
		}
	}
	return nil, badInput(fmt.Errorf("point %q: no result in %s; hepex export %s --format csv lists what there is", id, r.dir, r.dir))
}

func (r *results) drawMap(id string, rec *record.Record) ([]string, error) {
	text, file, err := record.NewStore(r.dir).Attached(record.TileMap, rec.Point)
	if err != nil {
		return nil, fmt.Errorf("tile map: %w", err)
	}
	m, err := trial.ParseTileMap(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	picture := plots.TileMap{Title: mapTitle(rec), Point: rec.Point}
	for i := range m.Layers {
		l := &m.Layers[i]
		layer := plots.TileMapLayer{
			Name: l.Name, Before: l.Rows(false), After: l.Rows(true), GroupOut: l.OutGroup, GroupIn: l.InGroup, Kept: l.Kept, Flattened: l.Flattened,
		}
		if added := l.AddedRows(false); added != nil {
			layer.Added = l.AddedRows(true)
			for o, row := range added {
				for i, is := range row {
					if is {
						layer.Before[o][i] = 0
					}
				}
			}
		}
		if l.Kernel != nil {
			layer.Kernel = plots.Kernel{Rows: l.Kernel[0], Cols: l.Kernel[1]}
		}
		picture.Layers = append(picture.Layers, layer)
	}
	return plots.DrawTileMap(filepath.Join(r.dir, "figures"), id, picture)
}

// mapTitle says how the point was pruned.
func mapTitle(rec *record.Record) string {
	title := fmt.Sprint(rec.Params["prune.scheme"])
	if ratio, ok := rec.Params["prune.ratio"]; ok {
		title += fmt.Sprintf(", ratio %v", ratio)
	}
	return title + fmt.Sprintf(", tile %v", rec.Params["tile"])
}
