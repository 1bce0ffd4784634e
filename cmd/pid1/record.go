package main

import (
	"path/filepath"

	"pid1/internal/record"
)

// startRecord begins to record. It waits for nothing: neither a folder that is not
// there yet nor a full disk is a reason not to run COMMAND.
func (w *watch) startRecord(o *options) {
	if o.record == "" {
		return
	}
	path, err := filepath.Abs(o.record) // pid1 leaves the directory before COMMAND runs
	if err != nil {
		w.log.Warn("cannot record to "+o.record, "error", err)
		return
	}
	w.record = record.Start(w.journal, record.Config{
		Path: path, MaxSize: int64(o.recordSize), Keep: int(o.recordKeep),
		Hello: w.greet, Warn: func(err error) { w.log.Warn(err.Error()) },
	})
}
