// Talks to a server as a TypeScript client does; prints what it saw as one JSON line.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.argv[2], apiKey: "test", maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello." }];
const seen = {};

const plain = await client.messages.create({ model: "claude-haiku-5-5", max_tokens: 500, messages });
seen.plain = { model: plain.model, stop: plain.stop_reason, blocks: plain.content.map((b) => b.type) };

const stream = client.messages.stream({ model: "claude-opus-5-5", max_tokens: 2000, messages });
let text = "";
stream.on("text", (delta) => { text += delta; });
const final = await stream.finalMessage();
const whole = final.content.filter((b) => b.type === "text").map((b) => b.text).join("");
seen.stream = { model: final.model, same: text === whole && text.length > 0, output: final.usage.output_tokens };

const refusal = await client.messages.create({
  model: "claude-fable-5-2", max_tokens: 500,
  messages: [{ role: "user", content: "[[refuse:cyber]] Check my firewall." }],
});
seen.refusal = { stop: refusal.stop_reason, blocks: refusal.content.length };

try {
  await client.messages.create({
    model: "claude-haiku-4-5", max_tokens: 500, messages, thinking: { type: "adaptive" },
  });
} catch (error) {
  seen.error = { status: error.status, type: error.error?.error?.type, message: error.message };
}

const count = await client.messages.countTokens({ model: "claude-haiku-5-5", messages });
seen.count = count.input_tokens;
seen.models = (await client.models.list({ limit: 1000 })).data.length;
console.log(JSON.stringify(seen));
