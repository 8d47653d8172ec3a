// A collector by hand on net/http: validates with encoding/json, XADD in hand-made RESP over a unix socket, pipelined,
// one connection per CPU. No mapping, no limits, no retries.
// go build -o peer main.go && ./peer SOCKET: POST /collect answers after Redis, POST /early at once.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const commandHead = "*8\r\n$4\r\nXADD\r\n$8\r\nbench:go\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$4\r\n1000\r\n$1\r\n*\r\n$5\r\nevent\r\n$"

// A call is some commands in one text and what is told when all their replies are there.
type call struct {
	text       []byte
	replyCount int
	done       chan error
}

// A connection writes the calls of many requests in one go and reads their replies in order.
type connection struct {
	calls   chan *call
	written chan *call
}

func connect(path string) (*connection, error) {
	socket, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	connection := &connection{calls: make(chan *call, 1024), written: make(chan *call, 65536)}
	go connection.write(socket)
	go connection.read(socket)
	return connection, nil
}

func (c *connection) write(socket net.Conn) {
	writer := bufio.NewWriterSize(socket, 1<<16)
	for call := range c.calls {
		for {
			c.written <- call
			if _, err := writer.Write(call.text); err != nil {
				log.Fatal(err)
			}
			select {
			case call = <-c.calls:
				continue
			default:
			}
			break
		}
		if err := writer.Flush(); err != nil {
			log.Fatal(err)
		}
	}
}

func (c *connection) read(socket net.Conn) {
	reader := bufio.NewReaderSize(socket, 1<<16)
	for call := range c.written {
		var failure error
		for count := 0; count < call.replyCount; count++ {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				log.Fatal(err)
			}
			if line[0] != '$' {
				failure = fmt.Errorf("redis: %s", line)
				continue
			}
			length, err := strconv.Atoi(string(line[1 : len(line)-2]))
			if err != nil {
				log.Fatal(err)
			}
			if _, err := reader.Discard(length + 2); err != nil {
				log.Fatal(err)
			}
		}
		call.done <- failure
	}
}

type server struct {
	connections []*connection
	next        atomic.Uint32
	bodies      sync.Pool
}

// events validates a body and gives the texts of its events.
func events(body []byte) ([]json.RawMessage, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' {
		var list []json.RawMessage
		err := json.Unmarshal(body, &list)
		return list, err
	}
	if !json.Valid(body) {
		return nil, fmt.Errorf("no JSON")
	}
	return []json.RawMessage{body}, nil
}

func commands(events []json.RawMessage) *call {
	size := 0
	for _, event := range events {
		size += len(commandHead) + len(event) + 16
	}
	text := make([]byte, 0, size)
	for _, event := range events {
		text = append(text, commandHead...)
		text = strconv.AppendInt(text, int64(len(event)), 10)
		text = append(text, "\r\n"...)
		text = append(text, event...)
		text = append(text, "\r\n"...)
	}
	return &call{text: text, replyCount: len(events), done: make(chan error, 1)}
}

func (s *server) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	body := s.bodies.Get().(*bytes.Buffer)
	defer s.bodies.Put(body)
	body.Reset()
	if _, err := io.Copy(body, request.Body); err != nil {
		answer(response, http.StatusBadRequest)
		return
	}
	list, err := events(body.Bytes())
	if err != nil {
		answer(response, http.StatusBadRequest)
		return
	}
	call := commands(list)
	s.connections[int(s.next.Add(1))%len(s.connections)].calls <- call
	if !strings.HasSuffix(request.URL.Path, "/early") && <-call.done != nil {
		answer(response, http.StatusInternalServerError)
		return
	}
	answer(response, http.StatusOK)
}

func answer(response http.ResponseWriter, status int) {
	text := fmt.Sprintf(`{"success":%t,"timestamp":%d}`, status == http.StatusOK, time.Now().UnixMilli())
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(text)))
	response.WriteHeader(status)
	io.WriteString(response, text)
}

func main() {
	server := &server{bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	for count := 0; count < runtime.GOMAXPROCS(0); count++ {
		connection, err := connect(os.Args[1])
		if err != nil {
			log.Fatal(err)
		}
		server.connections = append(server.connections, connection)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listens on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, server))
}
