package datasets

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// fetchArchive downloads the archive and takes the files out of it, unless the folder holds them and they are right.
func (d *fetcher) fetchArchive(ctx context.Context, e entry, folder string) error {
	paths, lacks, err := e.find(folder)
	if err != nil {
		return err
	}
	if lacks == "" && good((&Published{entry: e, folder: folder, paths: paths}).verify()) {
		d.report(*e.archive, e.archive.bytes)
		return nil
	}
	if err := d.fetchFile(ctx, *e.archive, folder, e.mirrors); err != nil {
		return err
	}
	archive := filepath.Join(folder, e.archive.name)
	if err := e.unpack(archive, folder); err != nil {
		return err
	}
	return os.Remove(archive)
}

func good(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return c.Err != nil })
}

// unpack writes the set's files, which are named in the archive like in the folder, and skips what else it holds. Each
// file is either absent or complete.
func (e entry) unpack(archive, folder string) error {
	disk, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer disk.Close()
	unpacked, err := gzip.NewReader(bufio.NewReader(disk))
	if err != nil {
		return damaged(err)
	}
	missing := map[string]file{}
	most := int64(1 << 20) // headers, padding, and a file or two of notes
	for _, f := range e.files {
		missing[f.name] = f
		most += f.bytes
	}
	members := tar.NewReader(io.LimitReader(unpacked, most))
	for len(missing) > 0 {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("lacks %s", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
		}
		if err != nil {
			return damaged(err)
		}
		f, wanted := missing[path.Base(header.Name)]
		if !wanted || header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size != f.bytes {
			return fmt.Errorf("%s of %d bytes: want %d", header.Name, header.Size, f.bytes)
		}
		if err := f.write(members, folder); err != nil {
			return err
		}
		delete(missing, f.name)
	}
	return nil
}

// write puts the file, which r begins with, into the folder.
func (f file) write(r io.Reader, folder string) error {
	path := filepath.Join(folder, f.name)
	out, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	if _, err = io.CopyN(out, r, f.bytes); err != nil {
		err = fmt.Errorf("%s: %w", f.name, damaged(err))
	} else {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".part"))
	}
	return publish(path+".part", path)
}
