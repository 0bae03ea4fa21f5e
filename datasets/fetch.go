package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Progress is told of the bytes of a file that have arrived, of how many. A file that is there already is
// reported once, as complete.
type Progress func(file string, done, total int64)

// Fetch downloads the files of a data set into dir/name from its public mirrors, and checks their SHA-256. Files that
// are there already and right are left alone. A file under way has the suffix .part; another Fetch, after a break or
// with another mirror, goes on where it ends. An archive is unpacked and then deleted. Progress may be nil. There is
// nothing to fetch for drawn sets.
func Fetch(ctx context.Context, name, dir string, progress Progress) error {
	e, err := lookUp(name)
	if err != nil {
		return err
	}
	f := fetcher{client: http.DefaultClient, patience: 30 * time.Second, progress: progress}
	return f.fetch(ctx, e, filepath.Join(dir, name))
}

type fetcher struct {
	client   *http.Client
	patience time.Duration // how long a mirror may send nothing
	progress Progress
}

var errStalled = errors.New("the server has stopped sending")

func (d *fetcher) fetch(ctx context.Context, e entry, folder string) error {
	if e.drawn() {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	if e.archive != nil {
		if err := d.fetchArchive(ctx, e, folder); err != nil {
			return fmt.Errorf("datasets: fetch %s: %s: %w", e.name, e.archive.name, err)
		}
		return nil
	}
	for _, f := range e.files {
		if err := d.fetchFile(ctx, f, folder, e.mirrors); err != nil {
			return fmt.Errorf("datasets: fetch %s: %s: %w", e.name, f.name, err)
		}
	}
	return nil
}

// fetchFile tries one mirror after the other.
func (d *fetcher) fetchFile(ctx context.Context, f file, folder string, mirrors []string) error {
	present, err := f.find(folder)
	if err != nil {
		return err
	}
	if present != "" && f.verify(present) == nil {
		d.report(f, f.bytes)
		return nil
	}
	path := filepath.Join(folder, f.name)
	part := path + ".part"
	var failures error
	for _, mirror := range mirrors {
		err := d.download(ctx, mirror+f.name, part, f)
		if err == nil {
			return publish(part, path)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failures == nil {
			failures = err
		} else {
			failures = fmt.Errorf("%w; %w", failures, err)
		}
	}
	return failures
}

// download completes part from url and flushes it to disk. It keeps an incomplete part and deletes a wrong one.
func (d *fetcher) download(ctx context.Context, url, part string, f file) error {
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have < f.bytes {
		if err := d.transfer(ctx, url, out, have, f); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", url, err), removeEmpty(out))
		}
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := checkSHA256(out, f.sha256); err != nil {
		return errors.Join(fmt.Errorf("%s: %w; the download is deleted", url, err), os.Remove(part))
	}
	return out.Sync()
}

// removeEmpty deletes a part that is of no use to a later run.
func removeEmpty(part *os.File) error {
	info, err := part.Stat()
	if err != nil || info.Size() > 0 {
		return err
	}
	return os.Remove(part.Name())
}

// transfer appends to out, which holds the first have bytes of the file, what is missing.
func (d *fetcher) transfer(ctx context.Context, url string, out *os.File, have int64, f file) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(d.patience, func() { cancel(errStalled) })
	defer watchdog.Stop()

	response, err := d.request(ctx, url, have)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer response.Body.Close()
	have, err = startOf(response, have)
	if err != nil {
		return err
	}
	if err := out.Truncate(have); err != nil {
		return err
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return err
	}
	d.report(f, have)
	arrived := meter(func(n int) {
		watchdog.Reset(d.patience)
		have += int64(n)
		d.report(f, min(have, f.bytes))
	})
	// One byte more than wanted shows a file that is too long, without filling the disk with it.
	body := io.LimitReader(response.Body, f.bytes-have+1)
	if _, err := io.Copy(io.MultiWriter(out, arrived), body); err != nil {
		return causeOf(ctx, err)
	}
	if have < f.bytes {
		return fmt.Errorf("ends after %d of %d bytes", have, f.bytes)
	}
	return nil
}

func (d *fetcher) request(ctx context.Context, url string, have int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	// Else net/http would unpack a .gz that a server declares as an encoding.
	request.Header.Set("Accept-Encoding", "identity")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	return d.client.Do(request)
}

// startOf is the offset of the first byte that a response carries. A server may ignore a Range.
func startOf(response *http.Response, have int64) (int64, error) {
	switch response.StatusCode {
	case http.StatusOK:
		return 0, nil
	case http.StatusPartialContent:
		if got := response.Header.Get("Content-Range"); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", have)) {
			return 0, fmt.Errorf("content range %q: want it to start at byte %d", got, have)
		}
		return have, nil
	}
	return 0, fmt.Errorf("server says %s", response.Status)
}

// publish gives the finished part its name, so that the file is either absent or complete.
func publish(part, path string) error {
	if err := os.Rename(part, path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// causeOf prefers the reason why ctx ended to the error that came of it.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (d *fetcher) report(f file, done int64) {
	if d.progress != nil {
		d.progress(f.name, done, f.bytes)
	}
}

// meter counts what is written to it.
type meter func(n int)

func (m meter) Write(p []byte) (int, error) {
	m(len(p))
	return len(p), nil
}
