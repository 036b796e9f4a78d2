// A stand-in for a storage system: a CSI driver that keeps each volume and each snapshot as one file.
//
//	ROOT/volumes/ID     a volume: a sparse file of its full size
//	ROOT/snapshots/ID   what a volume held when the snapshot was taken; ID.json says of which and when
//	ROOT/faults/CALL    while it is there, that call (CreateSnapshot, DeleteSnapshot, CreateVolume, DeleteVolume)
//	                    fails with the file's text; of CALL.seconds, it takes so long before anything is done
//	ROOT/faults/ready.seconds   snapshots are cut at once, and ready to use so much later
//
// There is no node, so nothing is ever attached or mounted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const driver = "lab.vmsnap.io"

type storage struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	root string
	lock sync.Mutex
}

// What is noted beside a snapshot.
type cut struct {
	Name   string
	Volume string
	Size   int64
	Time   time.Time
}

func main() {
	root, socket := os.Args[1], os.Args[2]
	for _, name := range []string{"volumes", "snapshots", "faults"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			log.Fatal(err)
		}
	}
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	served := &storage{root: root}
	csi.RegisterIdentityServer(server, served)
	csi.RegisterControllerServer(server, served)
	log.Fatal(server.Serve(listener))
}

func (s *storage) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: driver, VendorVersion: "stand-in"}, nil
}

func (s *storage) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

func (s *storage) GetPluginCapabilities(
	context.Context, *csi.GetPluginCapabilitiesRequest,
) (*csi.GetPluginCapabilitiesResponse, error) {
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{{
		Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{
			Type: csi.PluginCapability_Service_CONTROLLER_SERVICE,
		}},
	}}}, nil
}

func (s *storage) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}},
		})
	}
	return answer, nil
}

func (s *storage) CreateVolume(_ context.Context, ask *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if err := s.fault("CreateVolume"); err != nil {
		return nil, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	size := ask.GetCapacityRange().GetRequiredBytes()
	source := ask.GetVolumeContentSource()
	from := ""
	if id := source.GetSnapshot().GetSnapshotId(); id != "" {
		from = s.path("snapshots", id)
	} else if id := source.GetVolume().GetVolumeId(); id != "" {
		from = s.path("volumes", id)
	}
	path := s.path("volumes", ask.GetName())
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := fill(path, from, size); err != nil {
			return nil, failed(err)
		}
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: ask.GetName(), CapacityBytes: size, ContentSource: source,
	}}, nil
}

func (s *storage) DeleteVolume(_ context.Context, ask *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if err := s.fault("DeleteVolume"); err != nil {
		return nil, err
	}
	return &csi.DeleteVolumeResponse{}, failed(remove(s.path("volumes", ask.GetVolumeId())))
}

func (s *storage) CreateSnapshot(
	_ context.Context, ask *csi.CreateSnapshotRequest,
) (*csi.CreateSnapshotResponse, error) {
	if err := s.fault("CreateSnapshot"); err != nil {
		return nil, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	id := ask.GetName()
	made, err := s.cut(id)
	if errors.Is(err, fs.ErrNotExist) {
		made, err = s.take(id, ask.GetSourceVolumeId())
	}
	if err != nil {
		return nil, failed(err)
	}
	return &csi.CreateSnapshotResponse{Snapshot: s.report(made)}, nil
}

func (s *storage) take(id, volume string) (cut, error) {
	source := s.path("volumes", volume)
	found, err := os.Stat(source)
	if err != nil {
		return cut{}, err
	}
	made := cut{Name: id, Volume: volume, Size: found.Size(), Time: time.Now()}
	if err := fill(s.path("snapshots", id), source, made.Size); err != nil {
		return cut{}, err
	}
	noted, err := json.Marshal(made)
	if err != nil {
		return cut{}, err
	}
	return made, os.WriteFile(s.path("snapshots", id+".json"), noted, 0o644)
}

func (s *storage) DeleteSnapshot(
	_ context.Context, ask *csi.DeleteSnapshotRequest,
) (*csi.DeleteSnapshotResponse, error) {
	if err := s.fault("DeleteSnapshot"); err != nil {
		return nil, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	id := ask.GetSnapshotId()
	return &csi.DeleteSnapshotResponse{}, failed(
		errors.Join(remove(s.path("snapshots", id)), remove(s.path("snapshots", id+".json"))))
}

func (s *storage) ListSnapshots(_ context.Context, ask *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	notes, err := filepath.Glob(s.path("snapshots", "*.json"))
	if err != nil {
		return nil, failed(err)
	}
	answer := &csi.ListSnapshotsResponse{}
	for _, note := range notes {
		made, err := s.cut(strings.TrimSuffix(filepath.Base(note), ".json"))
		if err != nil {
			return nil, failed(err)
		}
		if wanted := ask.GetSnapshotId(); wanted == "" || wanted == made.Name {
			answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: s.report(made)})
		}
	}
	return answer, nil
}

func (s *storage) cut(id string) (made cut, err error) {
	noted, err := os.ReadFile(s.path("snapshots", id+".json"))
	if err == nil {
		err = json.Unmarshal(noted, &made)
	}
	return made, err
}

func (s *storage) report(made cut) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: made.Name, SourceVolumeId: made.Volume, SizeBytes: made.Size,
		CreationTime: timestamppb.New(made.Time), ReadyToUse: time.Since(made.Time) >= s.seconds("ready"),
	}
}

// How the named call is to go wrong, as the files in `faults` say.
func (s *storage) fault(call string) error {
	time.Sleep(s.seconds(call))
	if words, err := os.ReadFile(s.path("faults", call)); err == nil {
		return status.Error(codes.Internal, strings.TrimSpace(string(words)))
	}
	return nil
}

func (s *storage) seconds(what string) time.Duration {
	text, err := os.ReadFile(s.path("faults", what+".seconds"))
	if err != nil {
		return 0
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		log.Printf("%s.seconds: %v", what, err)
	}
	return time.Duration(seconds * float64(time.Second))
}

func (s *storage) path(kind, id string) string {
	return filepath.Join(s.root, kind, filepath.Base(id))
}

// Make `path` of `size` bytes with what `from` holds, if there is one; its holes stay holes.
func fill(path, from string, size int64) error {
	partial := path + ".new"
	out, err := os.Create(partial)
	if err != nil {
		return err
	}
	defer out.Close()
	if from != "" {
		if err := copySparse(out, from); err != nil {
			return err
		}
	}
	if found, err := out.Stat(); err != nil {
		return err
	} else if err := out.Truncate(max(size, found.Size())); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

func copySparse(out *os.File, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	const seekData, seekHole = 3, 4
	for end := int64(0); ; {
		begin, err := in.Seek(end, seekData)
		if err != nil { // no data after this
			return nil
		}
		if end, err = in.Seek(begin, seekHole); err != nil {
			return err
		}
		if _, err := out.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(out, io.NewSectionReader(in, begin, end-begin)); err != nil {
			return err
		}
	}
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return status.Error(codes.NotFound, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}
