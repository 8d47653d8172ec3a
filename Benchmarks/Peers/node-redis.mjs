// A collector by hand on node:http: parse, complete a little, XADD in hand-made RESP. No mapping, no limits, no retries.
// node node-redis.mjs SOCKET: POST /collect answers after Redis, POST /early at once.
import http from 'node:http'
import net from 'node:net'

const redis = net.connect(process.argv[2])
const waiting = []
let first = 0
let pending = []
let isScheduled = false
let rest = ''

function flush() {
  isScheduled = false
  redis.write(pending.join(''))
  pending = []
}

function add(text, done) {
  pending.push(`*8\r\n$4\r\nXADD\r\n$10\r\nbench:node\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$4\r\n1000\r\n$1\r\n*\r\n` +
    `$5\r\nevent\r\n$${Buffer.byteLength(text)}\r\n${text}\r\n`)
  waiting.push(done)
  if (!isScheduled) {
    isScheduled = true
    setImmediate(flush)
  }
}

// Every reply is a bulk string: its length in one line, the entry's id in the next.
redis.on('data', (bytes) => {
  const lines = (rest + bytes.toString('latin1')).split('\r\n')
  rest = lines.pop()
  if (lines.length % 2 === 1) rest = lines.pop() + '\r\n' + rest
  for (let index = 0; index < lines.length; index += 2) {
    if (lines[index][0] !== '$') throw new Error(lines[index])
    waiting[first++](lines[index + 1])
  }
  if (first > 65536) {
    waiting.splice(0, first)
    first = 0
  }
})

let count = 0
function completed(event) {
  const [entity, action] = event.name.split(' ')
  return JSON.stringify({ entity, action, timestamp: Date.now(), ...event, source: { ...event.source, count: ++count } })
}

function answer(response, status) {
  const text = `{"success":${status === 200},"timestamp":${Date.now()}}`
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length })
  response.end(text)
}

http.createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    let events
    try {
      events = [JSON.parse(Buffer.concat(parts).toString())].flat().map(completed)
    } catch {
      return answer(response, 400)
    }
    const isEarly = request.url === '/early'
    let open = events.length
    for (const text of events) add(text, () => { if (--open === 0 && !isEarly) answer(response, 200) })
    if (isEarly) answer(response, 200)
  })
}).listen(0, '127.0.0.1', function () { console.log(`listens on port ${this.address().port}`) })
