package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams of a journal. On an external engine reads go to the leader
// (AllowDirect is off): a replica that lags would say that a page is not there.

func pageStreamConfig(at names) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: at.pageStream, Subjects: []string{at.pageSubject, at.fillerSubject}, Storage: jetstream.FileStorage,
		// Retention is ours: what an endpoint has not finished must stay.
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		AllowDirect: true, MaxConsumers: -1,
		// Duplicates are recognised here, with less memory and with a bound.
		Duplicates: time.Second,
	}
}

func positionStreamConfig(at names) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: at.positionStream, Subjects: []string{at.positionPrefix + ">"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true, Duplicates: time.Second,
	}
}

func deadStreamConfig(at names) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: at.deadStream, Subjects: []string{at.deadPrefix + ">"}, Storage: jetstream.FileStorage,
		MaxAge: deadLettersKept, MaxBytes: deadLetterBytes, AllowDirect: true, Duplicates: time.Second,
	}
}

// config of a chronicle in this process writes when it comes to it: see
// [Chronicle.Keep].
func (c *Chronicle) config() jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name: c.stream, Subjects: []string{c.subject}, Storage: jetstream.FileStorage,
		MaxAge: c.age, MaxBytes: c.bytes, Discard: jetstream.DiscardOld,
		AllowDirect: true, Duplicates: min(time.Second, c.age),
	}
	if !c.j.cfg.external() {
		cfg.PersistMode = jetstream.AsyncPersistMode
	}
	return cfg
}

func settingStreamConfig(at names) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: at.settingStream, Subjects: []string{at.settingPrefix + ">"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true, Duplicates: time.Second,
	}
}

func leaseStream(at names) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: at.leaseStream, Subjects: []string{at.leaseSubject}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, Duplicates: time.Second,
	}
}

// streams makes what is missing and looks at what is there.
func (j *Journal) streams(ctx context.Context, e *engine, account jetstream.AccountLimits) error {
	if j.copyingFrom != "" {
		if err := j.checkTarget(ctx, e); err != nil {
			return err
		}
	}
	for _, s := range []struct {
		cfg jetstream.StreamConfig
		to  *jetstream.Stream
	}{
		{pageStreamConfig(j.at), &e.pages}, {positionStreamConfig(j.at), &e.places}, {deadStreamConfig(j.at), &e.dead},
	} {
		var err error
		if *s.to, err = j.stream(ctx, e, s.cfg, account); err != nil {
			return err
		}
	}
	return nil
}

// In the metadata of the stream of pages, copyingMeta says from where a copy into
// it is under way, and copiedMeta from where it was copied.
const (
	metaPrefix  = "imhook."
	copyingMeta = "imhook.copying"
	copiedMeta  = "imhook.copied"
)

// checkTarget refuses to copy into a journal that holds something, unless that is
// a copy which was not finished. Nothing is changed before: the mark of a copy
// under way keeps gateways out.
func (j *Journal) checkTarget(ctx context.Context, e *engine) error {
	for _, name := range []string{j.at.pageStream, j.at.positionStream, j.at.deadStream} {
		s, err := e.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("looking at stream %s: %w", name, err)
		}
		info := s.CachedInfo()
		if name == j.at.pageStream && info.Config.Metadata[copyingMeta] != "" {
			j.resuming = true
			return nil
		}
		holds := ""
		switch {
		case info.State.Msgs > 0:
			holds = fmt.Sprintf("holds %d messages", info.State.Msgs)
		case name == j.at.pageStream && info.State.LastSeq > 0:
			holds = fmt.Sprintf("held pages up to %d", info.State.LastSeq)
		}
		if holds != "" {
			return hopeless{fmt.Errorf("it is not empty: stream %s %s; copy into an empty directory, or give the journal another name", name, holds)}
		}
	}
	return nil
}

// lookUp looks at a stream. A question to one that has no leader is dropped, it does not
// wait until there is one: so it is asked again before ctx ends.
func lookUp(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	for within := lookAgain; ; within *= 2 {
		asking, cancel := context.WithTimeout(ctx, within)
		s, err := js.Stream(asking, name)
		cancel()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return s, err
		}
	}
}

// lookAgain is after how long a stream is asked for again, and twice that after it.
const lookAgain = 300 * time.Millisecond

// stream makes one stream, or looks at the one that is there.
func (j *Journal) stream(ctx context.Context, e *engine, want jetstream.StreamConfig, account jetstream.AccountLimits) (jetstream.Stream, error) {
	want.Metadata = formatMetadata(j.cfg.Version)
	if j.copyingFrom != "" && want.Name == j.at.pageStream {
		want.Metadata[copyingMeta] = j.copyingFrom
	}
	if j.cfg.external() {
		want.Replicas, want.AllowDirect = j.cfg.Replicas, false
		if want.Name == j.at.deadStream {
			// A server reserves what a stream may have, of all its replicas.
			want.MaxBytes = externalDeadLetterBytes
		}
		if account.MaxBytesRequired && want.MaxBytes == 0 {
			want.MaxBytes = j.boundOf(want.Name)
		}
		if account.StoreMaxStreamBytes > 0 && want.MaxBytes > 0 {
			want.MaxBytes = min(want.MaxBytes, account.StoreMaxStreamBytes)
		}
	}
	if err := checkStream(ctx, e.js, want.Name, j.cfg.Version); err != nil {
		return nil, hopelessIf(errors.Is(err, ErrNewer), err)
	}
	s, err := lookUp(ctx, e.js, want.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		if j.mustExist {
			return nil, hopeless{fmt.Errorf("there is no journal %s: stream %s is missing", j.cfg.Name, want.Name)}
		}
		if s, err = e.js.CreateStream(ctx, want); err != nil {
			return nil, j.explainStream(want, err)
		}
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("looking at stream %s: %w", want.Name, err)
	}
	have := s.CachedInfo().Config
	if from := have.Metadata[copyingMeta]; from != "" && from != j.copyingFrom {
		return nil, hopeless{fmt.Errorf("copying %s into this journal was not finished: run imhook journal copy again, or delete the streams %s and begin anew", from, j.allStreams())}
	}
	if want.Name == j.at.pageStream {
		e.copied.Store(have.Metadata[copiedMeta] != "")
	}
	for k, v := range have.Metadata {
		if _, ours := want.Metadata[k]; !ours && strings.HasPrefix(k, metaPrefix) {
			want.Metadata[k] = v
		}
	}
	if !j.cfg.external() {
		if s, err = e.js.UpdateStream(ctx, want); err != nil {
			return nil, fmt.Errorf("making stream %s: %w", want.Name, err)
		}
		return s, nil
	}
	return j.adopt(ctx, e, s, want)
}

// adopt takes an external stream that is there, if it keeps what it is given. An
// operator may have changed what does no harm, such as placement or compression;
// it stays.
func (j *Journal) adopt(ctx context.Context, e *engine, s jetstream.Stream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	have := s.CachedInfo().Config
	if have.Metadata[formatMeta] == "" {
		return nil, hopeless{fmt.Errorf("NATS at %s has a stream %s that imhook did not make: give the journal another name", j.cfg.servers(), want.Name)}
	}
	if wrong := drift(have, want, j.at); len(wrong) > 0 {
		return nil, hopeless{fmt.Errorf("stream %s was changed so that it would lose events: %s; set that back (nats stream edit %s), or give the journal another name",
			want.Name, strings.Join(wrong, ", "), want.Name)}
	}
	next := have
	next.Replicas, next.AllowDirect = want.Replicas, false
	next.Metadata = maps.Clone(have.Metadata)
	maps.Copy(next.Metadata, want.Metadata)
	if j.chronicleOf(want.Name) != nil {
		next.MaxAge, next.MaxBytes = want.MaxAge, want.MaxBytes
	}
	if next.Replicas == have.Replicas && !have.AllowDirect && maps.Equal(next.Metadata, have.Metadata) &&
		next.MaxAge == have.MaxAge && next.MaxBytes == have.MaxBytes {
		return s, nil
	}
	s, err := e.js.UpdateStream(ctx, next)
	if err != nil {
		return nil, j.explainStream(want, err)
	}
	if next.Replicas != have.Replicas {
		j.cfg.Log.Warn("number of replicas changed", "stream", want.Name, "was", have.Replicas, "is", next.Replicas)
	}
	return s, nil
}

// drift names the settings of a stream that would lose what it is given.
func drift(have, want jetstream.StreamConfig, at names) (wrong []string) {
	say := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	subjects := func(s []string) string { s = slices.Clone(s); slices.Sort(s); return strings.Join(s, " ") }
	say(have.Storage != want.Storage, "storage is memory, want file")
	say(have.Retention != want.Retention, "retention is %s, want limits", have.Retention)
	say(subjects(have.Subjects) != subjects(want.Subjects), "subjects are %q, want %q", have.Subjects, want.Subjects)
	say(have.NoAck, "no_ack is on: nothing says that an event is stored")
	say(have.PersistMode == jetstream.AsyncPersistMode, "persist_mode is async: events are acknowledged before they are written")
	say(have.Mirror != nil || len(have.Sources) > 0, "it is fed by other streams")
	say(have.SubjectTransform != nil, "subject_transform is set")
	say(have.Sealed, "it is sealed")
	if want.Name == at.trailStream || want.Name == at.attemptStream || want.Name == at.auditStream {
		return wrong // its bounds are set as the configuration has them
	}
	if want.Name == at.deadStream {
		return wrong // how many dead letters are kept is the operator's to choose
	}
	say(have.MaxAge > 0, "max_age is %s", have.MaxAge)
	say(have.MaxMsgs > 0, "max_msgs is %d", have.MaxMsgs)
	if want.Name == at.pageStream {
		say(have.Discard != jetstream.DiscardNew, "discard is old, want new")
		say(have.MaxMsgsPerSubject > 0, "max_msgs_per_subject is %d", have.MaxMsgsPerSubject)
		say(have.DenyPurge, "deny_purge is on: finished history cannot be dropped")
		return wrong
	}
	say(have.MaxMsgsPerSubject != want.MaxMsgsPerSubject, "max_msgs_per_subject is %d, want %d", have.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	say(have.MaxBytes > 0 && have.Discard == jetstream.DiscardOld && have.MaxBytes < leastStore, "max_bytes is %d", have.MaxBytes)
	return wrong
}

// externalDeadLetterBytes bounds dead letters on an external engine, where somebody
// else may need the room. An operator may change it there.
const externalDeadLetterBytes = 256 << 20

// boundOf is the size of a stream in an account that wants each to have one.
func (j *Journal) boundOf(stream string) int64 {
	if stream == j.at.pageStream {
		return j.cfg.RetainBytes + j.cfg.RetainBytes/8
	}
	return 4 * leastStore
}

func (j *Journal) allStreams() string {
	return strings.Join([]string{j.at.pageStream, j.at.positionStream, j.at.deadStream, j.at.leaseStream}, ", ")
}

// Codes of the engine's API.
const (
	codeAccountExceeded   = 10002
	codeNoPeers           = 10005
	codeInsufficient      = 10023
	codeMaxStreams        = 10027
	codeStorageExceeded   = 10047
	codeOverlap           = 10065
	codeWrongSequence     = 10071
	codeReplicas          = 10074
	codeStoreFailed       = 10077
	codeMaxBytesRequired  = 10113
	codeMaxStreamBytes    = 10122
	codeInProcess         = 10158
	codeWrongSequenceTold = 10164
)

// apiCode is the code of an error of the engine's API; 0 when it is none.
func apiCode(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

// explainStream says what to do about a stream that could not be made.
func (j *Journal) explainStream(want jetstream.StreamConfig, err error) error {
	err = fmt.Errorf("making stream %s: %w", want.Name, err)
	var remedy string
	switch apiCode(err) {
	case codeReplicas:
		remedy = fmt.Sprintf("NATS at %s is one server, replicas is %d: set it to 1, or name a cluster", j.cfg.servers(), want.Replicas)
	case codeNoPeers:
		// A server of the cluster that is down counts as missing.
		return fmt.Errorf("%w: the NATS cluster has too few servers up for replicas: %d, or too little room on them", err, want.Replicas)
	case codeMaxStreams:
		remedy = fmt.Sprintf("the NATS account has all streams that it may have, the journal needs %d: raise the account's limit", streamsNeeded)
	case codeOverlap:
		remedy = fmt.Sprintf("another stream of the NATS account takes the subjects %s: give the journal another name", strings.Join(want.Subjects, ", "))
	case codeAccountExceeded, codeInsufficient, codeStorageExceeded, codeMaxBytesRequired, codeMaxStreamBytes:
		remedy = "the limits of the NATS account, or of its servers, are too small for the journal: raise them, or lower retain.bytes"
		if c := j.chronicleOf(want.Name); c != nil {
			remedy = fmt.Sprintf("the limits of the NATS account, or of its servers, are too small for %s: raise them", c.what)
			if c.key != "" {
				remedy += ", or lower " + c.key
			}
		}
	default:
		return err
	}
	return hopeless{fmt.Errorf("%w: %s", err, remedy)}
}

func hopelessIf(yes bool, err error) error {
	if yes {
		return hopeless{err}
	}
	return err
}
