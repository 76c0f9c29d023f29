// SPDX-License-Identifier: Apache-2.0

// Command kubelet stands in for a node's: what the API server asks it, it answers with Kubernetes' own streaming code, but its
// containers are folders here, and what is executed in one is a program of this machine.
//
//	kubelet CERTIFICATE KEY CLIENT-CA FOLDER
//
// It listens on a free port of the loopback, which it prints. FOLDER/NAMESPACE/POD/CONTAINER is a container's working folder, and
// the file beside it that ends in .log is its log. A forwarded port is one of the loopback.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
	streams "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

const (
	idleTimeout     = 10 * time.Minute
	creationTimeout = 30 * time.Second
	logPollInterval = 50 * time.Millisecond
)

// protocols are those of SPDY; those of WebSockets the library knows itself.
var protocols = []string{"v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"}

type node struct{ folder string }

// container answers the folder of the container that a request names, or writes that there is none.
func (n node) container(w http.ResponseWriter, r *http.Request) (string, bool) {
	folder := filepath.Join(n.folder, r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container"))
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		http.Error(w, "container not found", http.StatusNotFound)
		return "", false
	}
	return folder, true
}

func (n node) logs(w http.ResponseWriter, r *http.Request) {
	folder, ok := n.container(w, r)
	if !ok {
		return
	}
	file, err := os.Open(folder + ".log")
	if err != nil {
		return
	}
	defer file.Close()
	query := r.URL.Query()
	if lines, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		skipToTail(file, lines)
	}
	flusher, _ := w.(http.Flusher)
	w.Header().Set("Content-Type", "text/plain")
	for r.Context().Err() == nil {
		if count, _ := io.Copy(w, file); count > 0 {
			flusher.Flush()
		}
		if query.Get("follow") != "true" {
			return
		}
		time.Sleep(logPollInterval)
	}
}

// skipToTail leaves the file at the beginning of its last lines.
func skipToTail(file *os.File, lines int) {
	all, _ := io.ReadAll(file)
	text := strings.TrimSuffix(string(all), "\n")
	start := len(text)
	for ; lines > 0 && start >= 0; lines-- {
		start = strings.LastIndexByte(text[:start], '\n')
	}
	_, _ = file.Seek(min(int64(start+1), int64(len(all))), io.SeekStart)
}

func (n node) exec(w http.ResponseWriter, r *http.Request) {
	folder, ok := n.container(w, r)
	if !ok {
		return
	}
	options, err := streams.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streams.ServeExec(w, r, executor{folder}, r.PathValue("pod"), "", r.PathValue("container"), r.URL.Query()["command"],
		options, idleTimeout, creationTimeout, protocols)
}

func (n node) attach(w http.ResponseWriter, r *http.Request) {
	folder, ok := n.container(w, r)
	if !ok {
		return
	}
	options, err := streams.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streams.ServeAttach(w, r, executor{folder}, r.PathValue("pod"), "", r.PathValue("container"), options, idleTimeout,
		creationTimeout, protocols)
}

// AttachContainer makes every container's own program one that says what it hears.
func (e executor) AttachContainer(ctx context.Context, name string, uid types.UID, container string, in io.Reader,
	out, err io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	return e.ExecInContainer(ctx, name, uid, container, []string{"cat"}, in, out, err, tty, resize, 0)
}

func (n node) portForward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{}, r.PathValue("pod"), "", options, idleTimeout, creationTimeout,
		portforward.SupportedProtocols)
}

type forwarder struct{}

func (forwarder) PortForward(ctx context.Context, _ string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	var dialer net.Dialer
	upstream, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer upstream.Close()
	go func() {
		_, _ = io.Copy(upstream, stream)
		_ = upstream.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, upstream)
	return err
}

func fixed(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, text)
	}
}

func run(certificate, key, authority, folder string) error {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(pem)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n, mux := node{folder}, http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", n.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", n.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", n.portForward)
	mux.HandleFunc("GET /configz", fixed(`{"kubeletconfig":{}}`))
	mux.HandleFunc("GET /pods", fixed(`{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}`))
	server := http.Server{Handler: mux, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
		NextProtos: []string{"http/1.1"}}}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.ServeTLS(listener, "", "")
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: kubelet CERTIFICATE KEY CLIENT-CA FOLDER")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		os.Exit(1)
	}
}
